import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { createBroker } from "../../shared/broker/aws-broker.ts";
import { laneQueue } from "../../shared/broker/broker.ts";
import { startChaosProxy } from "../support/chaos-proxy.ts";
import { FlowStage, callsTo } from "../support/flow-stage.ts";
import { startMisbehavingServer } from "../support/misbehaving-server.ts";

const stage = new FlowStage("copies");
const CALLS = 1_500;

test("messages that were sent twice, because the answer to the first time was lost, are worked on once", async () => {
  const server = await startMisbehavingServer();
  stage.onClose(() => server.close());
  const calls = callsTo(`${server.url}/ok`, "c", CALLS).map((call) => ({
    ...call,
    method: "POST",
  }));
  const plan = stage.writePlan("copies", calls, {
    lanes: { api: { match: `${server.url}/**`, concurrency: 32 } },
  });
  const state = stage.newState();
  stage.start(["broker", "--state", state, "--quiet"]);
  const endpointUrl = await endpointOf(state);
  const proxy = await startChaosProxy(() => Number(new URL(endpointUrl).port));
  stage.onClose(() => proxy.close());
  const broker = createBroker({ endpointUrl });
  stage.onClose(() => broker.close());
  const words = ["run", plan, "--run-id", "r", "--json", "--state", state, "--no-worker"];
  const run = stage.start([...words, "--endpoint-url", proxy.url]);
  const outstanding = async (): Promise<number> =>
    (await broker.depth(laneQueue("api")).catch(() => ({ visible: 0 }))).visible;
  while ((await outstanding()) === 0) await sleep(5);
  proxy.loseAnswers();
  await sleep(200);
  proxy.clear();
  stage.start(["worker", "--state", state, "--quiet"]);
  const ended = await run.ended;
  expect(ended.exitCode, ended.stderr).toBe(0);
  expect(proxy.cuts).toBeGreaterThan(0);
  const made = Map.groupBy(server.requests, ({ id }) => id);
  expect(made.size).toBe(CALLS);
  expect([...made.values()].filter((requests) => requests.length > 1)).toEqual([]);
}, 150_000);

async function endpointOf(state: string): Promise<string> {
  for (;;) {
    try {
      const { endpoint } = JSON.parse(readFileSync(join(state, "broker.json"), "utf8")) as {
        endpoint?: string | null;
      };
      if (typeof endpoint === "string") return endpoint;
    } catch {
      // Not there yet.
    }
    await sleep(20);
  }
}
