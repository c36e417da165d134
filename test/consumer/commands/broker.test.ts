import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { UNROUTED_QUEUE, laneQueue } from "../../../shared/broker/broker.ts";
import { EXIT } from "../../../shared/errors.ts";
import { attachBroker } from "../../../shared/state/held-broker.ts";
import { connect, temporaryFolder } from "../../shared/broker/embedded.ts";

function senpu(...args: string[]) {
  const child = spawn(process.execPath, ["senpu.js", "broker", ...args]);
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

test.each(["SIGINT", "SIGTERM"] as const)(
  "serves until %s, with the default lane, and tells where as JSON",
  async (signal) => {
    const state = temporaryFolder();
    const child = senpu("--json", "--state", state);
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const told = JSON.parse(line.toString()) as { endpoint: string };
    expect(told).toEqual({ endpoint: told.endpoint, pid: child.pid, state });
    const broker = connect(told.endpoint);
    expect(await broker.depth(laneQueue("default"))).toEqual({
      visible: 0,
      notVisible: 0,
      delayed: 0,
    });
    expect(await broker.depth(UNROUTED_QUEUE)).toMatchObject({ visible: 0 });
    child.kill(signal);
    expect(await once(child, "exit")).toEqual([EXIT.succeeded, null]);
  },
);

test("says who serves already", async () => {
  const state = temporaryFolder();
  const held = await attachBroker({ state });
  onTestFinished(() => held.close());
  const child = senpu("--state", state);
  const [told, [code]] = await Promise.all([text(child.stderr), once(child, "exit")]);
  expect(told).toContain(
    `process ${process.pid} already serves the broker of ${state} at ${held.endpointUrl}`,
  );
  expect(code).toBe(EXIT.unreachable);
});

test("refuses a port that is none", async () => {
  const child = senpu("--port", "http");
  const [told, [code]] = await Promise.all([text(child.stderr), once(child, "exit")]);
  expect(told).toBe("senpu: --port http is no port; give a number from 0 (any) to 65535\n");
  expect(code).toBe(EXIT.usage);
});
