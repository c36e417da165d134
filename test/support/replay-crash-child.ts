import { readyReplay } from "../../producer/replay/replay.ts";
import type { ReplayRequest } from "../../producer/replay/request.ts";
import { runPlan } from "../../producer/run/run-plan.ts";
import { openSession } from "../../shared/session.ts";
import { withCrash, withShortVisibility } from "./crash-point.ts";
import type { CrashPoint } from "./crash-point.ts";

/** A process that replays, or goes on with a replay, and is about to die. Started with one argument, as JSON. */
export interface ReplayCrashOptions {
  readonly state: string;
  readonly request: ReplayRequest;
  readonly crash: CrashPoint;
}

const { state, request, crash } = JSON.parse(process.argv[2] ?? "{}") as ReplayCrashOptions;
const session = withCrash(withShortVisibility(await openSession({ state }), 2), crash);
const { signal } = new AbortController();
const ready = await readyReplay({ session, request, run: undefined, onRead: () => {}, signal });
await runPlan(
  ready.plan,
  { loadConsumer: () => import("../../consumer/index.ts") },
  { session, state, run: ready.run, parent: ready.parent, by: "crash test", signal },
);
await ready.close();
// It was to die before this.
process.exit(99);
