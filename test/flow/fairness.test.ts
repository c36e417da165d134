import { expect, test, vi } from "vitest";
import { FlowStage, callsTo, findRun } from "../support/flow-stage.ts";

// Waits of seconds are part of it, and the machine may be slow beside.
vi.setConfig({ testTimeout: 90_000 });
const stage = new FlowStage("fairness");

test("a small run does not wait behind a large one in the same lane", async () => {
  const server = await stage.startServer();
  const state = stage.newState();
  const lanes = { shared: { match: `${server.url}/**`, rate: "100/s" } };
  const start = (run: string, count: number) => {
    const plan = stage.writePlan(run, callsTo(`${server.url}/ok`, run, count), { lanes });
    return stage.start(["run", plan, "--json", "--quiet", "--run-id", run, "--state", state]);
  };
  const large = start("large", 3_000);
  await server.waitForRequests(150);

  const small = start("small", 10);
  await vi.waitFor(async () => expect(await findRun(state, "small")).toBeDefined(), {
    timeout: 20_000,
    interval: 20,
  });
  const begunAt = server.requests.length;
  const ended = await small.ended;
  expect(ended.exitCode, ended.stderr).toBe(0);
  // At a hundred a second, 3,000 calls take half a minute; the ten begin and end within six seconds of the lane's time.
  expect((await findRun(state, "large"))?.state).toBe("running");
  const arrivals = server.requests.filter(({ id }) => id.startsWith("small-"));
  expect(arrivals).toHaveLength(10);
  expect(server.requests.indexOf(arrivals.at(-1)!) - begunAt).toBeLessThan(600);

  const cancelled = await stage.run(["cancel", "large", "--state", state]);
  expect(cancelled.exitCode, cancelled.stderr).toBe(0);
  expect((await large.ended).exitCode).toBe(1);
  expect(server.requests.length).toBeLessThan(2_500);
});
