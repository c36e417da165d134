import { laneQueue } from "../../shared/broker/broker.ts";
import { laneOfQueue } from "../../shared/broker/topology.ts";
import { isFinal } from "../../shared/ledger/run-rules.ts";
import { decodeMessage } from "../../shared/model/message.ts";
import type { CallsMessage } from "../../shared/model/message.ts";
import { cancel, pause, unpause } from "./commands.ts";
import type { History, Step } from "./history.ts";
import { judge } from "./judge.ts";
import { replayFailed } from "./replay-failed.ts";
import { RUN, World } from "./world.ts";
import type { Sabotage } from "./world.ts";

export interface Played {
  /** `<invariant>: <what breaks it>` */
  readonly violations: readonly string[];
  /** Calls of ports and APIs that its processes made. */
  readonly calls: number;
  readonly virtualMs: number;
}

/** How long a run may take to its end once nothing goes wrong any more, and in what steps it is looked at. */
const PATIENCE_MS = 3_600_000;
const LOOK_MS = 5_000;

/** Lives through the history, and says what does not hold in the end. */
export async function play(history: History, sabotage?: Sabotage): Promise<Played> {
  const listeners = new Set(process.listeners("exit"));
  const world = new World(history, sabotage);
  const begunAt = world.time.now;
  try {
    for (const steps of history.acts) {
      for (const step of steps) {
        await world.time.pass(step.after);
        await take(world, step);
      }
      if (steps.length > 0) await letEnd(world);
      world.beCruel();
    }
    return {
      violations: [...world.evidence.violations, ...(await judge(world))],
      calls: world.calls,
      virtualMs: world.time.now - begunAt,
    };
  } finally {
    await world.ledger.close();
    // Of processes that died, and had no time to take them back.
    for (const listener of process.listeners("exit")) {
      if (!listeners.has(listener)) process.off("exit", listener);
    }
  }
}

async function take(world: World, step: Step): Promise<void> {
  const one = "who" in step ? world.find(step.who) : undefined;
  switch (step.do) {
    case "start":
      if (step.what === "worker") world.startWorker();
      else if (step.what === "recorder") world.startRecorder();
      else world.conduct(RUN, null, step.what === "run");
      break;
    case "doom":
      one?.process.doom(step.fate);
      break;
    case "kill":
      one?.process.end("killed");
      break;
    case "stop":
      one?.stop();
      break;
    case "pause":
      pause(world);
      break;
    case "unpause":
      unpause(world, RUN);
      break;
    case "cancel":
      cancel(world);
      break;
    case "replay":
      replayFailed(world);
      break;
    case "stale": {
      const { laneBodies } = world.evidence;
      const body = laneBodies[step.which % Math.max(1, laneBodies.length)];
      if (body === undefined) return;
      const queue = laneQueue((decodeMessage(body) as CallsMessage).lane);
      world.evidence.doubled(queue, body);
      await world.broker.send(queue, [{ body }]);
    }
  }
}

/** Nothing goes wrong any more, and whoever must be there is, until all that was begun has come to its end. */
async function letEnd(world: World): Promise<void> {
  world.beKind();
  await world.claimAllLanes();
  const until = world.time.now + PATIENCE_MS;
  while (!(await isOver(world))) {
    if (world.time.now > until) {
      world.evidence.violations.push(`all comes to its end: ${await describe(world)}`);
      break;
    }
    await world.time.pass(LOOK_MS);
  }
  for (const { stop } of world.living) stop();
  await world.time.pass(60_000);
  for (const { process } of world.living) {
    world.evidence.violations.push(`a process that is asked to end does: ${process.name}`);
    process.end("killed");
  }
}

async function isOver(world: World): Promise<boolean> {
  if (world.find({ kind: "worker", nth: 0 }) === undefined) world.startWorker();
  if (world.find({ kind: "recorder", nth: 0 }) === undefined) world.startRecorder();
  let isQuiet = true;
  for (const run of world.plans.keys()) {
    const row = await world.ledger.findRun(run);
    if (row !== undefined && isFinal(row.state)) continue;
    isQuiet = false;
    if (row?.state === "paused") unpause(world, run);
    else if (!world.living.some((each) => each.run === run)) {
      world.conduct(run, world.parentOf(run), true);
    }
  }
  return isQuiet && world.broker.queueNames.every((name) => isDone(world, name));
}

/** Letters stay. */
function isDone(world: World, queue: string): boolean {
  return queue.endsWith("-failed") || world.broker.peek(queue).length === 0;
}

async function describe(world: World): Promise<string> {
  const runs = await world.ledger.listRuns(10);
  const queues = world.broker.queueNames
    .filter((name) => !isDone(world, name))
    .map((name) => `${world.broker.peek(name).length} in ${name} (${laneOfQueue(name) ?? "-"})`);
  const shown = runs.map(
    ({ id, state, planned, succeeded, failed, closedPlanned }) =>
      `${id} ${state} ${succeeded}+${failed} of ${planned} (${closedPlanned})`,
  );
  return [...shown, ...queues].join(", ");
}
