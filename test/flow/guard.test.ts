import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { beforeAll, describe, expect, test } from "vitest";
import type { Figures } from "../../shared/model/figures.ts";
import { FlowStage, callsTo } from "../support/flow-stage.ts";
import type { Ended } from "../support/senpu-process.ts";

/** A server inside, a plan whose rows lead there, and what becomes of them. */

const stage = new FlowStage("guard");
let url: string;
let connections = 0;

beforeAll(async () => {
  const server = createServer((_request, response) => response.end());
  server.on("connection", () => connections++);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  stage.onClose(async () => {
    server.closeAllConnections();
    server.close();
  });
});

describe("a plan without allow", () => {
  let state: string;
  let ended: Ended;
  beforeAll(async () => {
    state = stage.newState();
    // More than the breaker's minimum: if they counted, the last of them would wait for it.
    const calls = [...callsTo(url, "get", 60), ...callsTo(url, "post", 10, { method: "POST" })];
    const plan = stage.writePlan("inside", calls, { allow: [] });
    const words = ["run", plan, "--run-id", "inside", "--json", "--state", state];
    ended = await stage.run(words);
  });

  test("ends with each of its calls blocked without an attempt, and nobody has been connected to", () => {
    const figures = JSON.parse(ended.stdout) as Figures;
    expect(figures).toMatchObject({ planned: 70, failed: 70, attempts: 0, pending: 0 });
    expect(figures.failures).toEqual([{ reason: "blocked", status: null, count: 70 }]);
    expect(ended.exitCode).toBe(1);
    expect(connections).toBe(0);
  });

  test("its calls say which address it was, and what to write if it is meant", async () => {
    const words = ["calls", "inside", "--reason", "blocked", "--limit", "1", "--json"];
    const { stdout } = await stage.run([...words, "--state", state]);
    expect(JSON.parse(stdout)).toMatchObject({
      state: "failed",
      reason: "blocked",
      status: null,
      attempts: 0,
      error:
        "127.0.0.1 is a loopback address (127.0.0.0/8); if it is meant, write allow: [127.0.0.1] in the plan, or --allow 127.0.0.1",
    });
  });

  test("is made again by a replay that allows it", async () => {
    const words = ["replay", "inside", "--allow", "127.0.0.1", "--json", "--state", state];
    const { stdout, exitCode } = await stage.run(words);
    expect(JSON.parse(stdout)).toMatchObject({ planned: 70, succeeded: 70 });
    expect(exitCode).toBe(0);
  });
});
