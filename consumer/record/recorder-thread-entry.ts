import { parentPort, workerData } from "node:worker_threads";
import { openBroker } from "../../shared/broker/open.ts";
import type { RecorderOptions } from "../../shared/command.ts";
import { openCoordination } from "../../shared/coordination/open.ts";
import { SenpuError, messageOf } from "../../shared/errors.ts";
import { openLedger } from "../../shared/ledger/open.ts";
import { openStateFolder } from "../../shared/state/state-folder.ts";
import type { FromThread } from "./recorder-thread.ts";
import { startRecorder } from "./recorder.ts";

/** What the thread of {@link startRecorderThread} runs, until it is told to stop or fails. */

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
const say = (words: FromThread): void => parentPort?.postMessage(words);

const sayFailed = (error: unknown): void =>
  say({
    kind: "failed",
    code: error instanceof SenpuError ? error.code : "ledger",
    message: messageOf(error),
  });

try {
  await record(workerData as RecorderOptions);
} catch (error) {
  sayFailed(error);
  parentPort?.close();
}

async function record({ state, endpointUrl }: RecorderOptions): Promise<void> {
  const folder = openStateFolder(state);
  await using resources = new AsyncDisposableStack();
  const keep = <T extends { close(): Promise<void> }>(opened: T): T =>
    resources.adopt(opened, async (it) => await it.close());
  const ledger = keep(await openLedger(() => folder.ledgerFile));
  const coordination = keep(await openCoordination(() => folder.coordinationFile));
  const broker = keep(openBroker(endpointUrl));
  // Listens before it starts, so that it can be stopped while the broker keeps it waiting.
  const told = new Promise<void>((resolve) => parentPort?.once("message", () => resolve()));
  const recorder = await startRecorder({ broker, ledger, coordination, state: folder.path });
  recorder.onRecorded(() => say({ kind: "recorded" }));
  say({ kind: "started" });
  await Promise.race([told, recorder.failed.catch(sayFailed)]);
  await recorder.stop();
  parentPort?.close();
}
