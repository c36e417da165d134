import { writeFileSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { startRecorderThread } from "../../../consumer/record/recorder-thread.ts";
import { openStateFolder } from "../../../shared/state/state-folder.ts";
import { newRun, succeeded } from "../../conformance/ledger-records.ts";
import { connect, startEmbedded, temporaryFolder } from "../../shared/broker/embedded.ts";
import { callsMessage, closedMessage, outcomesMessage } from "./messages.ts";
import { openLedger, publish, recordedUntil } from "./record-setup.ts";

test("it records in a thread of its own, and ends when told to", async () => {
  const state = temporaryFolder();
  const { endpointUrl } = await startEmbedded();
  const ledger = openLedger(openStateFolder(state).ledgerFile);
  await ledger.createRun(newRun("r"));
  const recorder = await startRecorderThread({ state, endpointUrl });
  onTestFinished(() => recorder.stop());
  const broker = connect(endpointUrl);
  await broker.ensure(["default"]);
  await publish(
    broker,
    callsMessage("r", ["a"]),
    outcomesMessage("r", succeeded("a")),
    closedMessage("r", 1),
  );
  await recordedUntil(recorder, async () => (await ledger.findRun("r"))?.state === "settled");
  await recorder.stop();
  await recorder.stop();
});

test("why it cannot start is said to whoever starts it", async () => {
  const state = temporaryFolder();
  writeFileSync(openStateFolder(state).ledgerFile, "x".repeat(8192));
  const { endpointUrl } = await startEmbedded();
  await expect(startRecorderThread({ state, endpointUrl })).rejects.toMatchObject({
    name: "SenpuError",
    code: "ledger",
    message: expect.stringContaining("is damaged"),
  });
});
