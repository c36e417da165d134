import type { WindowBounds } from "../../../shared/coordination/coordination.ts";
import {
  growDestination,
  refuseDestination,
  unknownDestination,
} from "../../../shared/coordination/destination.ts";
import { grantSlots } from "../../../shared/coordination/lease.ts";
import type { LeaseHolder } from "../../../shared/coordination/lease.ts";

const TICK_MS = 5;
/** How often a worker looks at the window, tells its successes, and renews its lease. */
const LOOK_MS = 500;
const REPORT_MS = 250;
const RENEW_MS = 1000;
const HURRY_MS = 20;
/** More than any capacity: workers always have something to do. */
const DEMAND = 100;

interface Attempt {
  readonly startedAt: number;
  readonly endsAt: number;
  readonly refused: boolean;
}

interface SimulatedWorker {
  readonly name: string;
  readonly inFlight: Attempt[];
  /** The window as this worker last heard of it. */
  window: number;
  slots: number;
  succeeded: number;
  lookedAt: number;
  reportedAt: number;
  renewedAt: number;
}

export interface SimulatedPhase {
  /** Calls that the server works on at once; it refuses what comes beyond. */
  readonly capacity: number;
  readonly durationMs: number;
}

/**
 * Workers that share one destination's window, with round trips of 50 to 150 ms and news that is up to half a second
 * old, against a server that refuses whatever passes its capacity. Returns the mean in flight over each phase's last half.
 */
export function simulateWindow(
  phases: readonly SimulatedPhase[],
  bounds: WindowBounds,
  workerCount: number,
  random: () => number,
): number[] {
  let record = unknownDestination("https://api.example.com");
  const first = bounds.adapts ? bounds.floor : bounds.ceiling;
  const leases = new Map<string, LeaseHolder>();
  const workers = Array.from({ length: workerCount }, (_, index): SimulatedWorker => {
    // They do not all look at the same moment.
    const at = -Math.floor(random() * LOOK_MS);
    const times = { lookedAt: at, reportedAt: at, renewedAt: at };
    return { name: `w${index}`, inFlight: [], window: first, slots: 0, succeeded: 0, ...times };
  });
  const windowNow = (): number => record.window ?? first;
  const inFlight = (): number => workers.reduce((sum, worker) => sum + worker.inFlight.length, 0);
  const atServer = (): number =>
    workers.reduce((sum, worker) => sum + worker.inFlight.filter((one) => !one.refused).length, 0);

  const look = (worker: SimulatedWorker): void => {
    // What succeeded in the wider window says nothing of the narrower one.
    if (windowNow() < worker.window) worker.succeeded = 0;
    worker.window = windowNow();
  };

  const end = (worker: SimulatedWorker, now: number): void => {
    for (let index = worker.inFlight.length - 1; index >= 0; index--) {
      const attempt = worker.inFlight[index]!;
      if (attempt.endsAt > now) continue;
      worker.inFlight.splice(index, 1);
      if (!attempt.refused) {
        worker.succeeded++;
        continue;
      }
      record = refuseDestination(record, {
        ...bounds,
        lane: "crm",
        origin: record.origin,
        startedAt: attempt.startedAt,
        effect: "narrows",
        cause: "503",
        pauseMs: 1000,
        maxPauseMs: 60_000,
        now,
      });
      look(worker);
    }
  };

  const talk = (worker: SimulatedWorker, now: number): void => {
    if (now - worker.reportedAt >= REPORT_MS) {
      look(worker);
      const growth = { ...bounds, lane: "crm", origin: record.origin, now };
      record = growDestination(record, { ...growth, successes: worker.succeeded });
      worker.window = windowNow();
      worker.succeeded = 0;
      worker.reportedAt = now;
    }
    if (now - worker.lookedAt >= LOOK_MS) {
      look(worker);
      worker.lookedAt = now;
    }
    const sinceMs = now - worker.renewedAt;
    if (sinceMs < HURRY_MS || (sinceMs < RENEW_MS && worker.inFlight.length < worker.slots)) return;
    const { name, inFlight } = worker;
    const others = [...leases.values()].filter((lease) => lease.worker !== name);
    const claimant = { worker: name, wanted: DEMAND, held: inFlight.length };
    const { granted, slots } = grantSlots(claimant, others, worker.window, now);
    worker.slots = granted;
    worker.renewedAt = now;
    leases.set(name, { worker: name, wanted: DEMAND, slots });
  };

  const start = (worker: SimulatedWorker, now: number, capacity: number): void => {
    while (worker.inFlight.length < worker.slots) {
      const refused = atServer() >= capacity;
      const tripMs = 50 + random() * 100;
      worker.inFlight.push({ startedAt: now, endsAt: now + (refused ? 30 : tripMs), refused });
    }
  };

  let now = 0;
  return phases.map(({ capacity, durationMs }) => {
    const [begin, finish] = [now + durationMs / 2, now + durationMs];
    let sum = 0;
    for (; now < finish; now += TICK_MS) {
      for (const worker of workers) end(worker, now);
      for (const worker of workers) talk(worker, now);
      for (const worker of workers) start(worker, now, capacity);
      if (now >= begin) sum += inFlight();
    }
    return sum / (durationMs / 2 / TICK_MS);
  });
}
