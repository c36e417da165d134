import type {
  RunningRecorder,
  RunningWorker,
  RecorderOptions,
  WorkerOptions,
} from "../shared/command.ts";
import { startRecorderThread } from "./record/recorder-thread.ts";
import { Worker } from "./worker.ts";

export { sampleCalls } from "./sample-calls.ts";

/** The consumer side: works a run's calls, and records what became of them. */

export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const worker = new Worker(options);
  await worker.start();
  return worker;
}

export function startRecorder(options: RecorderOptions): Promise<RunningRecorder> {
  return startRecorderThread(options);
}
