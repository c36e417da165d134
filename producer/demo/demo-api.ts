import { Worker } from "node:worker_threads";
import type { DemoThreadAnswer } from "./demo-api-thread.ts";
import type { DemoCounts } from "./demo-server.ts";

/** The demo's weather API, in a thread of its own: it would otherwise be slowed by those who call it. */
export interface DemoApi {
  /** Without a slash at the end. */
  readonly url: string;
  /** Ends all connections; says what the API has counted. */
  stop(): Promise<DemoCounts>;
}

/** Rejects when the thread dies before it listens. Does not keep the process alive. */
export async function startDemoApi(): Promise<DemoApi> {
  const worker = new Worker(new URL("./demo-api-thread.ts", import.meta.url), {
    name: "demo-api",
    // What the process was started with (a test runner's loader, an inspector) is not for this thread.
    execArgv: [],
  });
  const first = await nextAnswer(worker);
  if (first.kind !== "listening") throw new Error("the demo API stopped before it listened");
  worker.unref();
  return {
    url: first.url,
    stop: async () => {
      worker.ref();
      const answered = nextAnswer(worker);
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker has no origin
      worker.postMessage("stop");
      const last = await answered;
      await worker.terminate();
      if (last.kind !== "stopped") throw new Error("the demo API did not stop");
      return last.counts;
    },
  };
}

function nextAnswer(worker: Worker): Promise<DemoThreadAnswer> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number): void =>
      reject(new Error(`the demo API ended with code ${code}`));
    worker.once("exit", onExit);
    worker.once("error", reject);
    worker.once("message", (answer: DemoThreadAnswer) => {
      worker.off("exit", onExit);
      worker.off("error", reject);
      resolve(answer);
    });
  });
}
