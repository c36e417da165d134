import { parentPort, workerData } from "node:worker_threads";
import { startFauxqs } from "fauxqs";
import { messageOf } from "../errors.ts";
import { repairFauxqs } from "./fauxqs-repairs.ts";

/**
 * The thread in which the embedded broker lives; started by `fauxqs-broker.ts` and by nothing else.
 * In: a {@link StopRequest}. Out: one {@link ThreadAnswer}.
 */
export interface ThreadOptions {
  readonly dataDir: string;
  /** 0: any. */
  readonly port: number;
}

export type StopRequest = "stop";

export type ThreadAnswer =
  | { readonly kind: "listening"; readonly port: number }
  | { readonly kind: "taken" }
  | { readonly kind: "failed"; readonly reason: string };

const port = parentPort!;
const options = workerData as ThreadOptions;
const answer = (value: ThreadAnswer) => port.postMessage(value);

try {
  await repairFauxqs();
  const server = await startFauxqs({
    port: options.port,
    dataDir: options.dataDir,
    defaultRegion: "us-east-1",
    logger: false,
  });
  port.once("message", () => void server.stop().finally(() => port.close()));
  answer({ kind: "listening", port: server.port });
} catch (error) {
  const taken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
  answer(taken ? { kind: "taken" } : { kind: "failed", reason: messageOf(error) });
}
