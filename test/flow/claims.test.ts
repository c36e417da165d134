import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { failedQueue } from "../../shared/broker/broker.ts";
import type { CallsMessage } from "../../shared/model/message.ts";
import { decodeMessage } from "../../shared/model/message.ts";
import { openSession } from "../../shared/session.ts";
import { FlowStage, callsTo, readRun } from "../support/flow-stage.ts";
import type { StagedCall } from "../support/flow-stage.ts";
import { startMendableServer } from "../support/failed-run.ts";
import { expectNothingLost } from "../support/run-invariants.ts";

/** Calls that no message can hold travel by claim. */
const stage = new FlowStage("claims");

const LARGE = '風 \\ " \u0001 😀 ${'.repeat(20_000);

function largeCall(url: string, id: string, more: object = {}): StagedCall {
  const json = { id, text: LARGE.replaceAll("${", () => "$${") };
  return { id, method: "PUT", url: `${url}?id=${id}`, json, ...more };
}

const filesOf = (state: string, run: string): string[] =>
  readdirSync(join(state, "claims", run), { recursive: true }) as string[];

test("20 calls, three of them large, arrive byte for byte; one fails, is replayed with a change, and succeeds", async () => {
  const server = await startMendableServer(stage);
  const large = [
    largeCall(`${server.url}/ok`, "large-0"),
    largeCall(`${server.url}/flaky/x`, "large-1"),
    largeCall(`${server.url}/until/400`, "large-2"),
  ];
  const calls = [...callsTo(`${server.url}/ok`, "small", 17), ...large];
  const plan = stage.writePlan("large", calls, { lanes: { default: { concurrency: 4 } } });
  const state = stage.newState();
  const at = ["--state", state, "--quiet", "--json"];
  const first = await stage.run(["run", plan, "--run-id", "first", ...at]);
  expect(first).toMatchObject({ exitCode: 1, stderr: "" });
  const sent = (id: string) => server.requests.filter((request) => request.id === id);
  for (const { id } of large) {
    for (const { body } of sent(id)) expect(JSON.parse(body)).toEqual({ id, text: LARGE });
  }
  expect(sent("large-1").length).toBe(2);
  const evidence = await readRun(state, "first");
  expectNothingLost({ ...evidence, requests: server.requests, ids: calls.map(({ id }) => id) });
  const row = evidence.rows.find(({ id }) => id === "large-2");
  expect(row).toMatchObject({ method: "PUT", url: large[2]!.url, reason: "rejected", status: 400 });
  expect(filesOf(state, "first").length).toBe(3);

  const looked = await stage.run(["dlq", "--state", state, "--json"]);
  expect(JSON.parse(looked.stdout)).toMatchObject({ count: 1, example: { id: "large-2" } });
  const set = ["--set", "headers.x-again=yes", "--set", "json.more=1"];
  const preview = await stage.run(["replay", "first", ...set, "--dry-run", ...at]);
  expect(preview).toMatchObject({ exitCode: 0 });
  server.mend();
  const again = await stage.run(["replay", "first", ...set, "--run-id", "again", ...at]);
  expect(again).toMatchObject({ exitCode: 0, stderr: "" });
  const [, made] = sent("large-2");
  expect(made?.headers["x-again"]).toBe("yes");
  expect(JSON.parse(made?.body ?? "")).toEqual({ id: "large-2", text: LARGE, more: 1 });
  expect(filesOf(state, "again").length).toBe(1);
}, 150_000);

test("a replay has a claim of its own, and the letter of its failed call is replayed once more", async () => {
  const server = await startMendableServer(stage);
  const plan = stage.writePlan("chain", [largeCall(`${server.url}/until/400`, "large")]);
  const state = stage.newState();
  const at = ["--state", state, "--quiet"];
  await stage.run(["run", plan, "--run-id", "first", ...at]);
  await stage.run(["replay", "first", "--run-id", "second", ...at]);
  // Its run is forgotten, and what it had kept is gone: the second run's own is what counts.
  rmSync(join(state, "claims", "first"), { recursive: true });
  server.mend();
  const third = await stage.run(["replay", "second", "--run-id", "third", ...at]);
  expect(third.exitCode).toBe(0);
  const bodies = server.requests.map(({ body }) => body);
  expect(bodies.length).toBe(3);
  expect(new Set(bodies).size).toBe(1);
}, 150_000);

test("what is gone or damaged ends its call as invalid, and holds up no other", async () => {
  const server = await stage.startServer();
  const calls = [
    largeCall(`${server.url}/ok`, "gone"),
    largeCall(`${server.url}/ok`, "damaged"),
    largeCall(`${server.url}/ok`, "fine"),
    ...callsTo(`${server.url}/ok`, "small", 5),
  ];
  const plan = stage.writePlan("lost", calls);
  const state = stage.newState();
  const run = stage.start(["run", plan, "--no-worker", "--run-id", "r", "--state", state]);
  const claims = await claimsInQueue(state, 3);
  rmSync(join(state, "claims", "r", claims.get("gone")!));
  writeFileSync(join(state, "claims", "r", claims.get("damaged")!), "rubbish");
  const worker = stage.start(["worker", "--state", state]);
  expect((await run.ended).exitCode).toBe(1);
  worker.kill("SIGTERM");
  const { rows } = await readRun(state, "r");
  const errors = new Map(rows.map(({ id, reason, error }) => [id, `${reason}: ${error}`]));
  expect(errors.get("gone")).toMatch(/^invalid: .*what was kept of it is gone \(folder r\//);
  expect(errors.get("damaged")).toMatch(/^invalid: .*is damaged .* found 7 bytes/);
  expect(rows.filter(({ state: end }) => end === "succeeded").length).toBe(6);
  const session = await openSession({ state });
  try {
    expect(await session.broker.depth(failedQueue("default"))).toMatchObject({ visible: 2 });
  } finally {
    await session.close();
  }
}, 150_000);

test("while the store cannot be reached the call waits in its queue, and others are made", async () => {
  const server = await stage.startServer();
  const calls = [
    largeCall(`${server.url}/ok`, "large"),
    ...callsTo(`${server.url}/ok`, "small", 5),
  ];
  const plan = stage.writePlan("unreachable", calls);
  const state = stage.newState();
  const run = stage.start(["run", plan, "--no-worker", "--run-id", "r", "--state", state]);
  await claimsInQueue(state, 1);
  // Nothing listens there.
  const env = { SENPU_CLAIMS_BUCKET: "elsewhere", AWS_ENDPOINT_URL_S3: "http://127.0.0.1:9" };
  const lost = stage.start(["worker", "--state", state], { env });
  await server.waitForRequests(5);
  await lost.waitForStderr(/this process keeps claims in S3.*; calls that need it wait/);
  lost.kill("SIGTERM");
  await lost.ended;
  expect(server.count("large")).toBe(0);
  const worker = stage.start(["worker", "--state", state]);
  expect((await run.ended).exitCode).toBe(0);
  worker.kill("SIGTERM");
  expect(server.count("large")).toBe(1);
}, 150_000);

/** Waits until the run is published, and tells the names of its claims by call. */
async function claimsInQueue(state: string, count: number): Promise<Map<string, string>> {
  for (;;) {
    const found = new Map<string, string>();
    const session = await openSession({ state, standby: false }).catch(() => undefined);
    try {
      const row = await session?.ledger.findRun("r");
      if (session !== undefined && typeof row?.closedPlanned === "number") {
        const deliveries = await session.broker.receive("lane-default", {
          maxMessages: 10,
          waitSeconds: 1,
        });
        for (const { body } of deliveries) {
          for (const { id, claim } of (decodeMessage(body) as CallsMessage).calls) {
            if (claim !== undefined) found.set(id, claim.sha256);
          }
        }
        const receipts = deliveries.map(({ receipt }) => receipt);
        await session.broker.release("lane-default", receipts);
        if (found.size === count) return found;
      }
    } finally {
      await session?.close();
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
