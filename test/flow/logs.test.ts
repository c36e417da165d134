import { createServer } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { FlowStage } from "../support/flow-stage.ts";

const stage = new FlowStage("logs");
const SECRET = "pl4nted-s3cr3t";
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

/** Answers 404 below /gone, and keeps the headers it was asked with. */
async function startApi(): Promise<{ url: string; asked: IncomingHttpHeaders[] }> {
  const asked: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    asked.push(request.headers);
    response.writeHead(request.url?.startsWith("/gone") === true ? 404 : 200).end();
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  stage.onClose(async () => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

test("a run's log has the ids of all that it did, and the secret nowhere; its calls are spans of the given trace", async () => {
  const api = await startApi();
  const calls = [
    { id: "fine", url: `${api.url}/ok?key=\${env:TOKEN}` },
    { id: "gone", url: `${api.url}/gone` },
  ];
  const headers = { authorization: "Bearer ${env:TOKEN}" };
  const plan = stage.writePlan("logged", calls, { defaults: { headers } });
  const words = ["run", plan, "--run-id", "r", "--json", "--state", stage.newState()];
  const { exitCode, stderr, stdout } = await stage.run(
    [...words, "--log-level", "debug", "--log-format", "json"],
    { env: { TOKEN: SECRET, TRACEPARENT: `00-${TRACE}-00f067aa0ba902b7-01` } },
  );
  expect(exitCode, stderr).toBe(1);
  const lines = stderr
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const told = { run: "r", lane: "default", trace: TRACE, worker: expect.any(String) };
  const time = { time: expect.any(String), pid: expect.any(Number) };
  expect(lines).toContainEqual(
    expect.objectContaining({ ...time, run: "r", msg: "all calls are published", planned: 2 }),
  );
  expect(lines).toContainEqual(
    expect.objectContaining({ run: "r", lane: "default", msg: "message taken on", receive: 1 }),
  );
  expect(lines).toContainEqual(
    expect.objectContaining({
      ...told,
      ...time,
      level: "debug",
      msg: "call succeeded",
      call: "fine",
    }),
  );
  expect(lines).toContainEqual(
    expect.objectContaining({
      ...told,
      level: "warn",
      msg: "call failed",
      call: "gone",
      reason: "rejected",
      status: 404,
    }),
  );
  expect(api.asked.map(({ authorization }) => authorization)).toContain(`Bearer ${SECRET}`);
  expect(stderr + stdout).not.toContain(SECRET);
  const spans = api.asked.map(({ traceparent }) => String(traceparent));
  expect(new Set(spans).size).toBe(2);
  for (const span of spans) expect(span).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`));
}, 150_000);

test("without a traceparent given, calls carry none, unless the plan says so; nor is there a log", async () => {
  const api = await startApi();
  const state = stage.newState();
  const run = async (name: string, more: object): Promise<string> => {
    const plan = stage.writePlan(name, [{ id: name, url: `${api.url}/${name}` }], more);
    return (await stage.run(["run", plan, "--json", "--quiet", "--state", state])).stderr;
  };
  expect(await run("plain", {})).toBe("");
  await run("traced", { trace: true });
  const [plain, traced] = api.asked;
  expect(plain).not.toHaveProperty("traceparent");
  expect(traced?.["traceparent"]).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
}, 150_000);
