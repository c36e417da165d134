import { mkdirSync, readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { gzipSync } from "node:zlib";
import { FlowStage, findRun } from "../support/flow-stage.ts";

const stage = new FlowStage("inputs");

const HEAD = (url: string): string =>
  `lanes: { default: { concurrency: 1 } }
allow: [127.0.0.1]
from: { file: "${url}", headers: { x-token: "\${env:ROWS_TOKEN}" } }
`;

/** Serves rows that can be changed, and the token it was last asked with. */
async function serveRows(): Promise<{ url: string; rows: string; token: unknown }> {
  const served = { url: "", rows: "", token: undefined as unknown };
  const server = createServer((request, response) => {
    served.token = request.headers["x-token"];
    response.end(gzipSync(served.rows));
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  stage.onClose(async () => void server.close());
  served.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return served;
}

test("a module's calls are kept: an interrupted run goes on with the same, and runs no code again", async () => {
  const api = await stage.startServer();
  const ran = join(stage.folder, "ran");
  const path = stage.write(
    "calls.ts",
    `import { appendFileSync } from "node:fs";
    import type { Call, Settings } from "senpu";
    export const plan: Settings = { name: "coded", allow: ["127.0.0.1"], lanes: { default: { concurrency: 1 } } };
    export default async function* (): AsyncIterable<Call> {
      appendFileSync(${JSON.stringify(ran)}, "once ");
      for (let n = 0; n < 40; n++) yield { id: \`\${n}\`, url: "${api.url}/slow/50?x=" + Math.random() };
    }`,
  );
  const state = stage.newState();
  const first = stage.start(["run", path, "--run-id", "r", "--json", "--state", state]);
  await Promise.race([api.waitForRequests(3), first.ended]);
  first.child.kill("SIGINT");
  const ended = await first.ended;
  expect(ended.exitCode, ended.stderr).toBe(130);
  const resumed = await stage.run(["resume", "r", "--json", "--state", state]);
  expect(resumed.exitCode, resumed.stderr).toBe(0);
  expect(JSON.parse(resumed.stdout)).toMatchObject({ name: "coded", planned: 40, succeeded: 40 });
  expect(readFileSync(ran, "utf8")).toBe("once ");
}, 150_000);

test("rows from a URL are fetched anew for a resume, and refused where they have changed", async () => {
  const api = await stage.startServer();
  const source = await serveRows();
  source.rows = `id\n${Array.from({ length: 40 }, (_, n) => `${n}\n`).join("")}`;
  const path = stage.write(
    "url.yaml",
    `${HEAD(`${source.url}/rows.csv?signature=s3cr3t`)}each: { id: "{{ id }}", url: "${api.url}/slow/50?n={{ id }}" }`,
  );
  const state = stage.newState();
  const env = { ROWS_TOKEN: "t0ken", TMPDIR: join(stage.folder, "tmp") };
  mkdirSync(env.TMPDIR);
  const first = stage.start(["run", path, "--run-id", "r", "--json", "--state", state], { env });
  await Promise.race([api.waitForRequests(3), first.ended]);
  first.child.kill("SIGINT");
  const ended = await first.ended;
  expect(ended.exitCode, ended.stderr).toBe(130);
  expect(source.token).toBe("t0ken");
  const { rows } = source;
  source.rows += "another\n";
  const refused = await stage.run(["resume", "r", "--state", state], { env });
  expect(refused.stderr).toContain(
    `${source.url}/rows.csv changed since run r was begun; restore what it was, or begin a new run`,
  );
  expect(refused.exitCode).toBe(2);
  source.rows = rows;
  const resumed = await stage.run(["resume", "r", "--json", "--state", state], { env });
  expect(resumed.exitCode, resumed.stderr).toBe(0);
  expect(JSON.parse(resumed.stdout)).toMatchObject({ planned: 40, succeeded: 40 });
  expect((await findRun(state, "r"))?.source).not.toContain("s3cr3t");
  expect(readdirSync(env.TMPDIR).filter((name) => name.startsWith("senpu-"))).toEqual([]);
}, 150_000);

test.each([
  ["broken", "export default function* () {\n  yield 'x\n}", "broken.ts:2: "],
  ["unstripped", "enum A { b }\nexport default [];", "unstripped.ts:1: TypeScript enum is not"],
  ["missing", "import './gone.ts';", "missing.ts: Cannot find module"],
])("a module that Node cannot load is told with its line: %s", async (name, text, said) => {
  const path = stage.write(`${name}.ts`, text);
  const { exitCode, stderr } = await stage.run(["plan", path]);
  expect(stderr).toContain(said);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(exitCode).toBe(2);
});
