import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { LaneActivity, RunningWorker, Sides } from "../../shared/command.ts";
import { CHILD_VARIABLE, wholeEnvironment } from "../../shared/environment.ts";
import { SenpuError } from "../../shared/errors.ts";
import { logEnvironment } from "../../shared/log/start-log.ts";
import type { Session } from "../../shared/session.ts";
import { moreTelling } from "../../shared/terminal/lane-progress.ts";

const LAUNCHER = fileURLToPath(new URL("../../senpu.js", import.meta.url));
/** A worker process that dies is started again, up to so many times in a run. */
const MAX_RESTARTS = 20;
/** What worker processes let calls in flight take, and how much later they have ended, or are killed. */
const GRACE_MS = 30_000;
const END_MS = 15_000;

/** Starts a run's own workers: one in this process, or `count` processes. `count` 0: none, others work. */
export async function startWorkers(
  session: Session,
  sides: Sides,
  run: string,
  count: number | "here",
): Promise<RunningWorker> {
  if (count === "here") {
    const consumer = await sides.loadConsumer();
    return consumer.startWorker({
      broker: session.broker,
      coordination: session.coordination,
      claims: session.claims,
      answers: session.answers,
      name: `${run}/${process.pid}`,
    });
  }
  return new WorkerProcesses(session, count);
}

/**
 * Worker processes of one run. They are told to stop over their IPC channel, stop by themselves when it closes, and are
 * killed when this process ends before them, so that none outlives the run; one that dies is replaced, and what it had
 * comes back from the queue.
 */
class WorkerProcesses implements RunningWorker {
  readonly failed: Promise<never>;
  readonly #session: Session;
  readonly #children = new Map<ChildProcess, readonly LaneActivity[]>();
  #onFailed: (error: unknown) => void = () => {};
  #stopping = false;
  #restarts = 0;

  constructor(session: Session, count: number) {
    this.#session = session;
    this.failed = new Promise((_, reject) => {
      this.#onFailed = reject;
    });
    this.failed.catch(() => {});
    process.on("exit", this.#kill);
    for (let i = 0; i < count; i++) this.#start();
  }

  lanes(): readonly LaneActivity[] {
    const lanes = new Map<string, LaneActivity>();
    for (const activity of [...this.#children.values()].flat()) {
      const sum = lanes.get(activity.lane);
      const binding = moreTelling(sum?.binding, activity.binding);
      lanes.set(activity.lane, {
        lane: activity.lane,
        inFlight: activity.inFlight + (sum?.inFlight ?? 0),
        waiting: activity.waiting + (sum?.waiting ?? 0),
        limit: activity.limit,
        ...(binding !== undefined && { binding }),
      });
    }
    return [...lanes.values()];
  }

  async stop(graceMs = GRACE_MS): Promise<void> {
    this.#stopping = true;
    const late = setTimeout(this.#kill, graceMs + END_MS);
    await Promise.all(
      [...this.#children.keys()].map(async (child) => {
        const gone = once(child, "exit");
        if (child.exitCode === null && child.signalCode === null) {
          child.send("stop", () => {});
          await gone;
        }
      }),
    );
    clearTimeout(late);
    process.off("exit", this.#kill);
  }

  readonly #kill = (): void => {
    for (const child of this.#children.keys()) child.kill("SIGKILL");
  };

  #start(): void {
    const { folder, endpointUrl } = this.#session;
    const child = fork(
      LAUNCHER,
      ["worker", "--quiet", "--state", folder.path].concat(
        // On AWS they find the deployment as this process did.
        endpointUrl === undefined ? [] : ["--endpoint-url", endpointUrl],
      ),
      {
        stdio: ["ignore", "ignore", "inherit", "ipc"],
        env: { ...wholeEnvironment(), ...logEnvironment(), [CHILD_VARIABLE]: String(process.pid) },
      },
    );
    this.#children.set(child, []);
    child.on("message", (lanes: LaneActivity[]) => {
      this.#children.set(child, lanes);
    });
    child.on("error", this.#onFailed);
    child.on("exit", (code, signal) => {
      this.#children.delete(child);
      if (this.#stopping) return;
      if (++this.#restarts <= MAX_RESTARTS) this.#start();
      else {
        const how = signal ?? `exit code ${code}`;
        this.#onFailed(
          new SenpuError(
            "state",
            `worker processes end again and again (last: ${how}); try --workers 0, or senpu worker by itself`,
          ),
        );
      }
    });
  }
}
