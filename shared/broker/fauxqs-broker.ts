import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { threadEnvironment } from "../environment.ts";
import { SenpuError } from "../errors.ts";
import { handBackReceives, readLastPort, rememberPort } from "./fauxqs-data.ts";
import type { StopRequest, ThreadAnswer, ThreadOptions } from "./fauxqs-thread.ts";

export interface FauxqsOptions {
  /** Where its messages are kept; made if missing. One process at a time may use it. */
  readonly dataDir: string;
  /** Absent or 0: the one last used with this data if it is free, else any. */
  readonly port?: number;
  /** Full names of queues whose receives are handed back at the start: what is in them may be processed twice. */
  readonly handBack?: readonly string[];
}

export interface RunningFauxqs {
  readonly endpointUrl: string;
  readonly port: number;
  /** Rejects when the broker dies of itself. */
  readonly failed: Promise<never>;
  /** Resolves once its port and its data are free. */
  stop(): Promise<void>;
}

/** Durable writes of a stopping broker take milliseconds; a thread that hangs is ended. */
const STOP_MS = 5_000;

const STOP: StopRequest = "stop";

/**
 * Starts the embedded SNS/SQS: `fauxqs`, durable, in a thread of this process, on the loopback address.
 * The thread does not keep the process alive. Throws {@link SenpuError} `broker` when a given port is taken.
 */
export async function startFauxqs(options: FauxqsOptions): Promise<RunningFauxqs> {
  const { dataDir, handBack = [] } = options;
  handBackReceives(dataDir, handBack);
  const asked = options.port || undefined;
  const last = asked ?? readLastPort(dataDir);
  const running =
    (await startThread({ dataDir, port: last ?? 0 })) ??
    (asked === undefined ? await startThread({ dataDir, port: 0 }) : undefined);
  if (!running) {
    throw new SenpuError(
      "broker",
      `port ${asked} is taken by another program; name a free one, or none`,
    );
  }
  rememberPort(dataDir, running.port);
  return running;
}

/** Undefined when the port is taken. */
async function startThread(options: ThreadOptions): Promise<RunningFauxqs | undefined> {
  const worker = new Worker(new URL("./fauxqs-thread.ts", import.meta.url), {
    workerData: options,
    name: "broker",
    // fauxqs reads settings from the environment, which is the person's and not meant for it.
    env: threadEnvironment("nothing") as NodeJS.ProcessEnv,
    // What the process was started with (a test runner's loader, an inspector) is not for this thread.
    execArgv: ["--disable-warning=ExperimentalWarning"],
    resourceLimits: { maxYoungGenerationSizeMb: 24 },
  });
  const exited = once(worker, "exit");
  exited.catch(() => {});
  const answer = await firstAnswer(worker);
  if (answer.kind === "taken") {
    await worker.terminate();
    return undefined;
  }
  if (answer.kind === "failed") {
    await worker.terminate();
    throw new SenpuError("broker", `the embedded broker did not start: ${answer.reason}`);
  }
  let stopping = false;
  const failed = new Promise<never>((_, reject) => {
    const fail = (reason: string) => {
      if (!stopping) reject(new SenpuError("broker", `the embedded broker died: ${reason}`));
    };
    worker.once("error", (error) => fail(String(error)));
    worker.once("exit", (code) => fail(`its thread ended with ${code}`));
  });
  failed.catch(() => {});
  worker.unref();
  return {
    endpointUrl: `http://127.0.0.1:${answer.port}`,
    port: answer.port,
    failed,
    async stop() {
      worker.ref();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      if (!stopping) worker.postMessage(STOP);
      stopping = true;
      const timer = setTimeout(() => void worker.terminate(), STOP_MS);
      await exited.catch(() => {});
      clearTimeout(timer);
    },
  };
}

async function firstAnswer(worker: Worker): Promise<ThreadAnswer> {
  const stop = new AbortController();
  const { signal } = stop;
  try {
    return await Promise.race([
      once(worker, "message", { signal }).then(([answer]) => answer as ThreadAnswer),
      once(worker, "exit", { signal }).then(([code]): ThreadAnswer => ({
        kind: "failed",
        reason: `its thread ended with ${code}`,
      })),
    ]);
  } catch (error) {
    return { kind: "failed", reason: String(error) };
  } finally {
    stop.abort();
  }
}
