import type { CallTask } from "../../../consumer/receive/chunk.ts";
import { Permits } from "../../../consumer/receive/permits.ts";
import { Total } from "../../../consumer/receive/total.ts";
import type { Coordination, LaneLimit } from "../../../shared/coordination/coordination.ts";
import { createMemoryCoordination } from "../../../shared/coordination/memory-coordination.ts";
import { SimulatedProcess } from "../../model/simulated-process.ts";
import { VirtualTime, installVirtualTime } from "../../model/virtual-time.ts";
import { mostMoments } from "../../support/arrivals.ts";

/** Workers that share a lane, each with more calls at hand than it may start. */
export interface LimitsScene {
  readonly workers: number;
  readonly limit: LaneLimit;
  /** What a call takes at the API, in milliseconds. */
  readonly callMs: number;
  /** To coordination and back, in milliseconds: some five on DynamoDB. */
  readonly roundTripMs: number;
  /** How long it is looked at, after {@link SETTLING_MS}. */
  readonly seconds: number;
}

export interface LimitsHeld {
  /** Calls started in the seconds looked at. */
  readonly started: number;
  /** Of what the tighter of rate and concurrency allows. */
  readonly share: number;
  /** In any window of one second. */
  readonly mostASecond: number;
  readonly mostInFlight: number;
  /** Calls of coordination a second, all workers together, by method. */
  readonly asked: Readonly<Record<string, number>>;
}

/** Leases and blocks find their sizes meanwhile. */
const SETTLING_MS = 5_000;
const LANE_TIMEOUT = { policy: { timeoutMs: 10_000 } };

/** The real slots and pacers of so many workers, on the memory store, in virtual time. */
export async function simulateLimits(scene: LimitsScene): Promise<LimitsHeld> {
  const restore = installVirtualTime();
  try {
    return await play(scene);
  } finally {
    restore();
  }
}

async function play({
  workers,
  limit,
  callMs,
  roundTripMs,
  seconds,
}: LimitsScene): Promise<LimitsHeld> {
  const time = new VirtualTime();
  const beginsAt = time.now + SETTLING_MS;
  const store = createMemoryCoordination();
  const asked = new Map<string, number>();
  const starts: number[] = [];
  let inFlight = 0;
  let mostInFlight = 0;
  const onFailed = (error: unknown): void => {
    throw error;
  };
  const startCall = (finished: () => void): void => {
    if (time.now >= beginsAt) starts.push(time.now);
    mostInFlight = Math.max(mostInFlight, ++inFlight);
    setTimeout(() => {
      inFlight--;
      finished();
    }, callMs);
  };
  for (let nth = 0; nth < workers; nth++) {
    const worker = `worker-${nth}`;
    const process = new SimulatedProcess(worker, time, () => roundTripMs / 2, {
      onFault: () => {},
      onEnd: () => {},
    });
    const coordination = counted(store, process, (method) => {
      if (time.now >= beginsAt) asked.set(method, (asked.get(method) ?? 0) + 1);
    });
    // Not all at once: workers start within a second of each other.
    time.set(
      () =>
        process.run(() => {
          const total = new Total({ coordination, worker, onFailed });
          const permits = new Permits({
            coordination,
            limit,
            worker,
            total,
            onReady: () => pump(),
            onFailed,
          });
          const task = { call: {}, chunk: { message: LANE_TIMEOUT } } as unknown as CallTask;
          const lane = { startOne: () => false, rest: () => {} };
          const pump = (): void => {
            const wanted = callsAtHand(limit, permits);
            permits.setDemand(lane, wanted);
            while (permits.missing(wanted) === undefined) {
              permits.take(task, undefined);
              startCall(() => {
                permits.give();
                pump();
              });
            }
          };
          pump();
        }),
      (nth * 1_000) / workers,
    );
  }
  await time.pass(SETTLING_MS + seconds * 1_000);
  const bySlots = (limit.concurrency * 1_000) / callMs;
  const byRate =
    limit.rate === undefined ? Infinity : (limit.rate.count * 1_000) / limit.rate.perMs;
  return {
    started: starts.length,
    share: starts.length / (Math.min(bySlots, byRate) * seconds),
    mostASecond: mostMoments(starts, 1_000),
    mostInFlight,
    asked: Object.fromEntries([...asked].map(([method, count]) => [method, count / seconds])),
  };
}

/** As many as a worker's stock, which is begun anew at half of it. */
function callsAtHand({ rate }: LaneLimit, permits: Permits): number {
  const bySlots = Math.max(50, permits.limit);
  if (rate === undefined) return bySlots;
  const twoSeconds = (2_000 * rate.count) / rate.perMs / permits.workers;
  return Math.max(5, Math.ceil(Math.min(bySlots, Math.max(10, twoSeconds)) / 2));
}

/** The store as a process reaches it: over the network, and counted. */
function counted(
  store: Coordination,
  process: SimulatedProcess,
  note: (method: string) => void,
): Coordination {
  return new Proxy(store, {
    get(target, name) {
      const method = Reflect.get(target, name, target) as (...args: unknown[]) => Promise<unknown>;
      return (...args: unknown[]) => {
        note(String(name));
        return process.call(
          () => method.apply(target, args),
          () => new Error("never"),
        );
      };
    },
  });
}
