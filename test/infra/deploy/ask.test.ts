import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

/** The question on a real terminal: a pseudo-terminal of `script` (util-linux), without which this is left out. */
const hasScript = spawnSync("script", ["--version"]).stdout?.toString().includes("util-linux");

const ASK = fileURLToPath(new URL("../../../infra/deploy/ask.ts", import.meta.url));
const PROGRAM = `
import { ask, canAsk } from ${JSON.stringify(ASK)};
process.stdout.write("can: " + canAsk() + "\\n");
process.stdout.write("said: " + (await ask("Deploy?")) + "\\n");
`;

/** What a person at a terminal sees who types this once asked. */
async function typing(keys: string): Promise<string> {
  const encoded = Buffer.from(PROGRAM).toString("base64");
  const line = `'${process.execPath}' --input-type=module -e "$(echo ${encoded} | base64 -d)"`;
  const child = spawn("script", ["-qec", line, "/dev/null"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const closed = once(child, "close");
  let seen = "";
  let isTyped = false;
  child.stdout.on("data", (data: Buffer) => {
    seen += data.toString();
    if (isTyped || !seen.includes("(y/N)")) return;
    isTyped = true;
    child.stdin.write(keys);
  });
  await closed;
  return seen;
}

test.skipIf(!hasScript)("yes on a terminal is yes", async () => {
  const seen = await typing("yes\r");
  expect(seen).toContain("can: true");
  expect(seen).toContain("Deploy? (y/N) ");
  expect(seen).toContain("said: true");
});

test.skipIf(!hasScript).each([
  ["Enter alone", "\r"],
  ["no", "n\r"],
  ["another word", "yesterday\r"],
  ["Ctrl-C", "\u0003"],
  ["the end of input", "\u0004"],
])("%s on a terminal is no", async (_what, keys) => {
  expect(await typing(keys)).toContain("said: false");
});

test("without a terminal nobody can be asked", () => {
  const { stdout } = spawnSync(
    process.execPath,
    [
      "--input-type=module",
      "-e",
      `import { canAsk } from ${JSON.stringify(ASK)}; console.log(!canAsk())`,
    ],
    { stdio: "pipe" },
  );
  expect(stdout.toString().trim()).toBe("true");
});
