import type { Dice } from "./dice.ts";
import type { ScenarioLane } from "./scenario.ts";

export interface ScenarioCall {
  readonly id: string;
  readonly lane: string;
  readonly method: "GET" | "PUT" | "POST" | "PATCH" | "DELETE";
  /** At the lane's API, with its query. */
  readonly path: string;
  /** Length of the body in characters; absent: none. */
  readonly bodyLength?: number;
  /** For a person: how the API behaves. */
  readonly what: Behaviour;
}

type Behaviour =
  | "ok"
  | "flaky"
  | "throttled"
  | "reset"
  | "partial"
  | "hang"
  | "gone"
  | "broken"
  | "down";

/** Calls that keep the lanes busy for about so long, if nothing goes wrong. */
export function makeCalls(
  dice: Dice,
  lanes: readonly ScenarioLane[],
  playMs: number,
): ScenarioCall[] {
  return lanes.flatMap((lane) => {
    const meanMs = 120;
    const aSecond = Math.min((lane.concurrency * 1_000) / meanMs, lane.rate ?? Infinity);
    const count = Math.ceil((aSecond * playMs) / 1_000);
    return Array.from({ length: count }, (_, index) => makeCall(dice, lane.name, index));
  });
}

const METHODS = { GET: 10, PUT: 2, DELETE: 1, POST: 5, PATCH: 1 };

/** Few that fail: each holds a slot for long, or closes its destination. */
const BEHAVIOURS: Readonly<Record<Behaviour, number>> = {
  ok: 100,
  flaky: 2,
  throttled: 0.4,
  reset: 3,
  partial: 2,
  hang: 0.6,
  gone: 3,
  broken: 1,
  down: 0.1,
};

function makeCall(dice: Dice, lane: string, index: number): ScenarioCall {
  const method = dice.weigh(METHODS);
  const what = dice.weigh(BEHAVIOURS);
  const id = `${lane}-${index}`;
  const query = `id=${id}&delay=${dice.between(10, 230)}`;
  const fails = dice.between(1, 2);
  const takesBody = method === "POST" || method === "PUT" || method === "PATCH";
  return {
    id,
    lane,
    method,
    what,
    path: `${PATHS[what](fails)}${query}`,
    ...(takesBody ? { bodyLength: dice.chance(0.05) ? dice.between(2_000, 20_000) : 40 } : {}),
  };
}

/** `fails`: attempts until it is well again. */
const PATHS: Readonly<Record<Behaviour, (fails: number) => string>> = {
  ok: () => "/ok?",
  flaky: (fails) => `/flaky/x?fails=${fails}&status=503&`,
  throttled: () => "/flaky/x?fails=1&status=429&retry-after=1&",
  reset: (fails) => `/flaky/x?fails=${fails}&how=reset&`,
  partial: (fails) => `/flaky/x?fails=${fails}&how=partial&`,
  hang: (fails) => `/flaky/x?fails=${fails}&how=hang&`,
  gone: () => "/status/404?",
  broken: () => "/status/500?",
  down: () => "/status/503?retry-after=1&",
};
