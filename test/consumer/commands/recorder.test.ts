import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { EXIT } from "../../../shared/errors.ts";
import { attachBroker } from "../../../shared/state/held-broker.ts";
import { openStateFolder } from "../../../shared/state/state-folder.ts";
import { newRun, succeeded } from "../../conformance/ledger-records.ts";
import { connect, temporaryFolder } from "../../shared/broker/embedded.ts";
import { callsMessage, closedMessage, outcomesMessage } from "../record/messages.ts";
import { openLedger, publish } from "../record/record-setup.ts";

function senpuRecorder(...args: string[]) {
  const child = spawn(process.execPath, ["senpu.js", "recorder", ...args]);
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

test.each(["SIGINT", "SIGTERM"] as const)("records until %s, and ends with 0", async (signal) => {
  const state = temporaryFolder();
  const held = await attachBroker({ state });
  onTestFinished(() => held.close());
  const ledger = openLedger(openStateFolder(state).ledgerFile);
  await ledger.createRun(newRun("r"));
  const broker = connect(held.endpointUrl);
  await broker.ensure(["default"]);
  await publish(
    broker,
    callsMessage("r", ["a"]),
    outcomesMessage("r", succeeded("a")),
    closedMessage("r", 1),
  );

  const child = senpuRecorder("--state", state);
  const [line] = (await once(child.stderr, "data")) as [Buffer];
  expect(line.toString()).toContain(`recording into ${state}`);
  await expect
    .poll(async () => (await ledger.findRun("r"))?.state, { timeout: 10_000 })
    .toBe("settled");
  child.kill(signal);
  expect(await once(child, "exit")).toEqual([EXIT.succeeded, null]);
});

test("an environment is refused: its own recorder records", async () => {
  const child = senpuRecorder("--env", "prod");
  const [told, [code]] = await Promise.all([text(child.stderr), once(child, "exit")]);
  expect(told).toMatch(
    /^senpu: --env prod: a deployment's own recorder records.*; leave --env out\n$/,
  );
  expect(code).toBe(EXIT.usage);
});
