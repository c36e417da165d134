import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { RecorderOptions, RunningRecorder } from "../../shared/command.ts";
import { threadEnvironment } from "../../shared/environment.ts";
import { SenpuError } from "../../shared/errors.ts";
import type { ErrorCode } from "../../shared/errors.ts";

/** What the thread says. An error travels as code and text, since its class does not survive the way. */
export type FromThread =
  | { readonly kind: "started" }
  | { readonly kind: "recorded" }
  | { readonly kind: "failed"; readonly code: ErrorCode; readonly message: string };

/** What it is told. */
type ToThread = { readonly kind: "stop" };

/**
 * The recorder in a thread of its own, with its own connections, so that an fsync keeps no call waiting.
 * Resolves once it records. Throws what the ledger, coordination or the broker throws when it starts.
 */
export async function startRecorderThread(options: RecorderOptions): Promise<RunningRecorder> {
  const thread = new Worker(new URL("./recorder-thread-entry.ts", import.meta.url), {
    name: "senpu recorder",
    workerData: options,
    resourceLimits: { maxYoungGenerationSizeMb: 24 },
    env: threadEnvironment("all") as NodeJS.ProcessEnv,
    // What the process was started with (a test runner's loader, an inspector) is not for this thread.
    execArgv: ["--disable-warning=ExperimentalWarning"],
  });
  const recorder = new RecorderThread(thread);
  await recorder.started;
  return recorder;
}

/** `starting` until the thread says that it records; then `recording`; `ended` by `stop`, by a failure, or by a crash. */
class RecorderThread implements RunningRecorder {
  readonly started: Promise<void>;
  readonly failed: Promise<never>;
  readonly #thread: Worker;
  readonly #exited: Promise<unknown>;
  readonly #listeners: (() => void)[] = [];
  #stopping = false;

  constructor(thread: Worker) {
    this.#thread = thread;
    this.#exited = once(thread, "exit");
    const started = Promise.withResolvers<void>();
    const failed = Promise.withResolvers<never>();
    this.started = Promise.race([started.promise, failed.promise]);
    this.failed = failed.promise;
    // Whoever waits for it hears of it; whoever does not must not die of it.
    this.failed.catch(() => {});
    thread.on("message", (said: FromThread) => {
      if (said.kind === "started") started.resolve();
      else if (said.kind === "failed") failed.reject(new SenpuError(said.code, said.message));
      else for (const listener of this.#listeners) listener();
    });
    thread.on("error", failed.reject);
    thread.on("exit", (code) => {
      if (this.#stopping) return;
      failed.reject(new SenpuError("ledger", `the recorder's thread ended by itself (${code})`));
    });
  }

  onRecorded(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    this.#thread.postMessage({ kind: "stop" } satisfies ToThread);
    await this.#exited;
  }
}
