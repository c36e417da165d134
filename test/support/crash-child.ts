import { startRecorder } from "../../consumer/record/recorder.ts";
import { Worker } from "../../consumer/worker.ts";
import { readPlan } from "../../producer/plan/read.ts";
import { beginAgain } from "../../producer/run/begin-again.ts";
import { beginRun } from "../../producer/run/begin-run.ts";
import { conduct } from "../../producer/run/conduct.ts";
import { openSession } from "../../shared/session.ts";
import { withCrash, withShortVisibility } from "./crash-point.ts";
import type { CrashPoint } from "./crash-point.ts";

/**
 * A process that is about to die: a whole run, or a worker, with a crash point in one of its ports.
 * Started with one argument, as JSON.
 */
export interface CrashChildOptions {
  readonly role: "run" | "worker";
  readonly state: string;
  readonly plan: string;
  readonly run: string;
  readonly crash: CrashPoint;
  readonly endpointUrl?: string | undefined;
}

const options = JSON.parse(process.argv[2] ?? "{}") as CrashChildOptions;
const opened = await openSession(options);
const session = withCrash(withShortVisibility(opened, 2), options.crash);

if (options.role === "worker") {
  const worker = new Worker({
    broker: session.broker,
    coordination: session.coordination,
    claims: session.claims,
    answers: session.answers,
    name: "doomed",
  });
  await worker.start();
  await worker.failed;
} else {
  const plan = await readPlan({
    path: options.plan,
    spoolDir: session.folder.spool,
    runId: options.run,
  });
  const recorder = await startRecorder({ ...session, state: options.state, housekeepingMs: 300 });
  const row = await session.ledger.findRun(options.run);
  if (row === undefined) await beginRun(session, plan, options.run, null);
  const generation =
    row === undefined
      ? 1
      : ((await beginAgain({
          session,
          row,
          recorder,
          by: "crash test",
          workersLive: false,
          onWaiting: () => {},
        })) ?? 1);
  await conduct({
    session,
    plan,
    run: options.run,
    generation,
    recorder,
    workers: "here",
    sides: { loadConsumer: () => import("../../consumer/index.ts") },
    signal: new AbortController().signal,
    by: "crash test",
    onLook: () => {},
    onNote: () => {},
  });
}
// It was to die before this.
process.exit(99);
