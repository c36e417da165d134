import type { Dice } from "../faults/dice.ts";

/** Lanes that runs of a soak use. */
export const SOAK_LANES = ["default", "rated", "adaptive"] as const;

/** What a run is about. */
export const PLAN_KINDS = ["mixed", "unsafe", "large", "rated", "adaptive", "many"] as const;
export type PlanKind = (typeof PLAN_KINDS)[number];

interface SoakCall {
  readonly id: string;
  readonly url: string;
  readonly method?: "POST";
  readonly json?: unknown;
}

export interface SoakPlan {
  readonly kind: PlanKind;
  readonly calls: readonly SoakCall[];
  /** As `senpu run` reads it. */
  readonly text: string;
}

const CALLS: Readonly<Record<PlanKind, number>> = {
  mixed: 300,
  unsafe: 200,
  large: 60,
  rated: 150,
  adaptive: 300,
  many: 1_000,
};

/** Larger than a message may be, so that it goes through the claim store. */
const LARGE_CHARS = 300_000;
const LARGE_CALLS = 3;

/** How the API behaves, each as often as its weight says: few that hold a slot for long or close their destination. */
const WAYS = {
  "/ok?": 200,
  "/flaky/x?fails=1&status=500&": 8,
  "/flaky/x?fails=2&status=503&": 3,
  "/flaky/x?fails=1&status=429&retry-after=1&": 0.5,
  "/flaky/x?fails=1&how=reset&": 4,
  "/flaky/x?fails=1&how=partial&": 3,
  "/flaky/x?fails=1&how=hang&": 1,
  "/slow/900?": 3,
  "/status/404?": 1,
  "/status/500?": 0.3,
} as const;

/** `api`: its URL. Pure, but for the dice. */
export function makeSoakPlan(kind: PlanKind, run: string, api: string, dice: Dice): SoakPlan {
  const calls = Array.from({ length: CALLS[kind] }, (_, index): SoakCall => {
    const id = `${run}-${index}`;
    const way = dice.weigh(WAYS) as string;
    const url = `${api}${way}run=${run}&id=${id}&delay=${dice.between(5, 80)}`;
    if (kind === "large" && index < LARGE_CALLS) {
      return { id, url, method: "POST", json: { text: "x".repeat(LARGE_CHARS) } };
    }
    const isUnsafe = kind === "unsafe" ? dice.chance(0.7) : dice.chance(0.05);
    return isUnsafe ? { id, url, method: "POST", json: { n: index } } : { id, url };
  });
  const plan = {
    name: `soak-${kind}`,
    lanes: lanesOf(kind),
    defaults: { timeout: "3s" },
    retry: { attempts: 4, backoff: { first: "50ms", max: "500ms" } },
    allow: ["127.0.0.1"],
    calls,
  };
  return { kind, calls, text: JSON.stringify(plan) };
}

/** Lanes of their own, so that a limit of one run is not another's. */
function lanesOf(kind: PlanKind): object {
  switch (kind) {
    case "rated":
      return { rated: { match: "http://127.0.0.1*/**", concurrency: 16, rate: "40/s" } };
    case "adaptive":
      return { adaptive: { match: "http://127.0.0.1*/**", concurrency: { min: 2, max: 24 } } };
    case "mixed":
    case "unsafe":
    case "large":
    case "many":
    default:
      return { default: { concurrency: 24 } };
  }
}
