import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { FlowStage, callsTo, findRun } from "../support/flow-stage.ts";

const stage = new FlowStage("bad-luck");

/** A plan that is right, to an address where nobody listens. */
function plan(): string {
  return stage.writePlan("plan", [{ id: "a", url: "http://127.0.0.1:9/" }]);
}

/** A port of this machine at which nobody listens any more. */
async function deadPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

describe.concurrent("the state folder", () => {
  test("is a file: 3, and a line that says so", async () => {
    const state = stage.write("a-file", "");
    const { exitCode, stdout, stderr } = await stage.run(["run", plan(), "--state", state]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: "" });
    expect(stderr).toBe(`senpu: ${state} is a file; name a folder with --state\n`);
  });

  test("lies below a file: 3, and a line that says so", async () => {
    const state = join(stage.write("another-file", ""), "state");
    const { exitCode, stderr } = await stage.run(["run", plan(), "--state", state]);
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(
      /^senpu: the state folder .* cannot be written \(.*\); name another with --state\n$/,
    );
  });

  test("holds a ledger that is no database: 3, and a line that names it", async () => {
    const state = stage.newState();
    expect((await stage.run(["run", plan(), "--json", "--state", state])).exitCode).toBe(1);
    const ledger = stage.write(
      join(state.slice(stage.folder.length), "ledger.db"),
      "no database at all".repeat(99),
    );
    const { exitCode, stdout, stderr } = await stage.run(["status", "--state", state]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: "" });
    expect(stderr).toMatch(/^senpu: .*\n$/);
    expect(stderr).toContain(ledger);
  });
});

describe.concurrent("an endpoint where nobody answers", () => {
  test("is told after some seconds of patience, with 3; the run can be resumed at once", async () => {
    const endpoint = `http://127.0.0.1:${await deadPort()}`;
    const state = stage.newState();
    const words = ["run", plan(), "--json", "--run-id", "r", "--state", state];
    const { exitCode, stdout, stderr, elapsedMs } = await stage.run([
      ...words,
      "--endpoint-url",
      endpoint,
    ]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: "" });
    // Of its ten seconds five are patience; the others are left to a slow machine.
    expect(stderr).toContain(" failed for 5000 ms");
    expect(elapsedMs).toBeLessThan(20_000);
    expect(stderr).toMatch(/^senpu: .* at http:\/\/127\.0\.0\.1:\d+ failed .*ECONNREFUSED.*\n$/m);
    expect(stderr).toContain(`npx senpu resume r --state ${state} --endpoint-url ${endpoint}\n`);
    expect(stderr.split("\n").length, "two lines").toBe(3);
    expect((await findRun(state, "r"))?.state).toBe("interrupted");
  });

  test.each(["worker", "recorder"])("ends `senpu %s` with 3", async (command) => {
    const endpoint = `http://127.0.0.1:${await deadPort()}`;
    const words = [command, "--quiet", "--state", stage.newState(), "--endpoint-url", endpoint];
    const { exitCode, stderr } = await stage.run(words);
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/^senpu: .*ECONNREFUSED.*\n$/);
  });
});

describe.concurrent("a plan that is none", () => {
  const PLANS: Readonly<
    Record<string, readonly [file: string, content: string | Uint8Array, says: RegExp]>
  > = {
    "an empty file": ["empty.yaml", "", /empty\.yaml: the file is empty/],
    "an empty list of URLs": ["empty.txt", "\n# nothing\n", /empty\.txt: the plan has no calls/],
    "a binary file": [
      "binary.yaml",
      new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 0xff]),
      /binary\.yaml/,
    ],
    "a key that is not known": [
      "key.yaml",
      "calls: [http://a.example/]\nconcurency: 3\n",
      /key\.yaml:2:1 .*concurency.*/,
    ],
    "broken YAML": ["broken.yaml", "calls: [\n", /broken\.yaml:\d+:\d+/],
    "an unknown ending": ["plan.toml", "calls = []", /the ending "\.toml" is not known/],
  };

  test.each(Object.keys(PLANS))(
    "%s: 2, a line that names the file, and no folder",
    async (name) => {
      const [file, content, says] = PLANS[name]!;
      const state = stage.newState();
      const { exitCode, stdout, stderr } = await stage.run([
        "run",
        stage.write(file, content),
        "--state",
        state,
      ]);
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
      expect(stderr).toMatch(says);
      expect(stderr).toMatch(/^senpu: /);
      expect(stderr.trimEnd().split("\n").length).toBeLessThanOrEqual(2);
      expect(stderr).not.toMatch(/^\s+at /m);
      expect(existsSync(state)).toBe(false);
    },
  );

  test("a file that is not there: 2, and a line that names it", async () => {
    const { exitCode, stderr } = await stage.run([
      "run",
      "not-there.yaml",
      "--state",
      stage.newState(),
    ]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^senpu: not-there\.yaml.*\n$/);
  });
});

describe.concurrent("a slip of the fingers", () => {
  test.each([
    [["rnu", "plan.yaml"], "rnu", "run"],
    [["run", "plan.yaml", "--wrokers", "2"], "--wrokers", "--workers"],
  ])("%j: 2, and what was probably meant", async (words, wrong, right) => {
    const { exitCode, stdout, stderr } = await stage.run(words, { cwd: stage.folder });
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toContain(`'${wrong}'`);
    expect(stderr).toContain(`Did you mean ${right}?`);
  });

  test.each([
    ["--workers", "many"],
    ["--concurrency", "0"],
    ["--rate", "fast"],
    ["--run-id", "../x"],
    ["--allow", "not a host"],
  ])("%s %s: 2, a line that says what is right, and no folder", async (flag, value) => {
    const state = stage.newState();
    const { exitCode, stderr } = await stage.run(["run", plan(), flag, value, "--state", state]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(new RegExp(`^senpu: ${flag} .*\\n$`));
    expect(existsSync(state), "nothing was made").toBe(false);
  });

  test("a run that is not there: 2, and the runs there are", async () => {
    const { exitCode, stderr } = await stage.run(["status", "nobody", "--state", stage.newState()]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^senpu: .*\n$/);
  });
});

/** A Node of the system's own that is too old; undefined where there is none. */
const olderNode = ["/usr/bin/node", "/usr/local/bin/node"].find((path) => {
  const { stdout } = spawnSync(path, ["--version"], { encoding: "utf8" });
  const major = Number(/^v(\d+)\./.exec(stdout ?? "")?.[1]);
  return major < 24;
});
if (olderNode === undefined) {
  console.log("no Node older than 24 on this machine: its test is skipped");
}

test.skipIf(olderNode === undefined)(
  "an older Node is told in one line which is needed",
  async () => {
    const older = spawn(olderNode ?? "", [resolve("senpu.js"), "demo"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let told = "";
    older.stdout.on("data", (text: Buffer) => (told += `stdout: ${String(text)}`));
    older.stderr.on("data", (text: Buffer) => (told += text));
    const [exitCode] = (await once(older, "close")) as [number];
    expect(exitCode).toBe(2);
    expect(told).toMatch(
      /^senpu needs Node 24\.\d+ or later, and this is Node \d+\.\d+\.\d+: .*npm ci.*\n$/,
    );
  },
);

test("`senpu calls RUN | head -1` ends quietly when its reader does", async () => {
  const server = await stage.startServer();
  const state = stage.newState();
  const many = stage.writePlan(
    "many",
    callsTo(`${server.url}/ok?pad=${"x".repeat(400)}`, "c", 2_000),
  );
  expect(
    (await stage.run(["run", many, "--json", "--run-id", "r", "--state", state])).exitCode,
  ).toBe(0);
  const script = '"$0" senpu.js calls r --state "$1" | head -1; echo "${PIPESTATUS[0]}"';
  const shell = spawn("bash", ["-c", script, process.execPath, state], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  shell.stdout.on("data", (text: Buffer) => (stdout += text));
  shell.stderr.on("data", (text: Buffer) => (stderr += text));
  await once(shell, "close");
  expect(stderr).toBe("");
  expect(stdout).toMatch(/^c-\d+\t.*\n0\n$/);
});
