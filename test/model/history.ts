import * as fc from "fast-check";
import type { Method } from "../../shared/model/call.ts";
import type { Cruelty } from "./cruel-broker.ts";
import { KIND } from "./cruel-broker.ts";
import type { Answer } from "./model-api.ts";
import type { Fate } from "./simulated-process.ts";

/** What is planned, and how the API will answer. */
interface ModelCall {
  readonly method: Method;
  readonly lane: "default" | "slow";
  /** Of its first attempts, over all runs; then always `last`. */
  readonly answers: readonly Answer[];
  readonly last: Answer;
}

interface ModelPlan {
  readonly calls: readonly ModelCall[];
  readonly attempts: number;
  readonly retriesUnsafe: boolean;
  readonly concurrency: number;
  /** Entries that are read at once. */
  readonly batch: number;
  readonly tolerance: number | null;
}

/** Of the processes of one kind that live, or of all, counted from the first. */
export interface Who {
  readonly kind: "worker" | "recorder" | "run" | "any";
  readonly nth: number;
}

export type Step = {
  /** Milliseconds after the step before. */
  readonly after: number;
} & Deed;

type Deed =
  /** `run`: conducts the run, anew or again. `all`: with a worker and a recorder of its own. */
  | { readonly do: "start"; readonly what: "worker" | "recorder" | "run" | "all" }
  | { readonly do: "doom"; readonly who: Who; readonly fate: Fate }
  | { readonly do: "kill"; readonly who: Who }
  /** SIGTERM. */
  | { readonly do: "stop"; readonly who: Who }
  | { readonly do: "pause" | "unpause" | "cancel" | "replay" }
  /** A message that lay in a lane's queue before comes again. */
  | { readonly do: "stale"; readonly which: number };

/** One life of a run and its replays, wholly determined: played again, the same happens. */
export interface History {
  readonly seed: number;
  /** Of a port's call, there and back, at the most. */
  readonly maxLatencyMs: number;
  /** Of an attempt at the API. */
  readonly maxAnswerMs: number;
  readonly cruelty: Cruelty;
  readonly plan: ModelPlan;
  /** After each act all that was begun is let run to its end. In the second, what has failed is replayed. */
  readonly acts: readonly [readonly Step[], readonly Step[]];
}

const share = (most: number): fc.Arbitrary<number> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.constantFrom(most / 4, most) },
  );

const cruelty: fc.Arbitrary<Cruelty> = fc.oneof(
  fc.constant(KIND),
  fc.record({
    doubles: share(0.2),
    exposes: share(0.2),
    haunts: share(0.2),
    hides: share(0.5),
    shuffles: fc.boolean(),
  }),
);

const answer = fc.constantFrom<Answer>(200, 500, 503, 429, "reset", "silent", "refused", 502);

const safe = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Method>("GET") },
  { weight: 1, arbitrary: fc.constantFrom<Method>("PUT", "DELETE") },
);
const any = fc.oneof(
  { weight: 1, arbitrary: safe },
  { weight: 1, arbitrary: fc.constantFrom<Method>("POST", "POST", "POST", "PATCH") },
);

const callOf = (method: fc.Arbitrary<Method>): fc.Arbitrary<ModelCall> =>
  fc.record({
    method,
    lane: fc.constantFrom("default", "default", "slow"),
    answers: fc.oneof(
      { weight: 6, arbitrary: fc.constant([]) },
      { weight: 3, arbitrary: fc.array(answer, { minLength: 1, maxLength: 4 }) },
      { weight: 1, arbitrary: fc.constant<Answer[]>(["deadly"]) },
    ),
    last: fc.oneof(
      { weight: 20, arbitrary: fc.constant<Answer>(200) },
      { weight: 6, arbitrary: fc.constantFrom<Answer>(404, 500) },
      { weight: 1, arbitrary: fc.constant<Answer>("deadly") },
    ),
  });

/** Chunks with unsafe calls live by other rules than those without. */
const calls = fc.oneof(
  ...[safe, any].map((method) =>
    fc.array(callOf(method), { minLength: 1, maxLength: 12, size: "max" }),
  ),
);

const plan: fc.Arbitrary<ModelPlan> = fc.record({
  calls,
  attempts: fc.integer({ min: 1, max: 4 }),
  retriesUnsafe: fc.oneof(
    { weight: 4, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  ),
  concurrency: fc.constantFrom(1, 1, 2, 4),
  batch: fc.integer({ min: 1, max: 6 }),
  tolerance: fc.constantFrom(null, null, null, 0, 0.3),
});

const who: fc.Arbitrary<Who> = fc.record({
  kind: fc.constantFrom("worker", "worker", "worker", "recorder", "run", "any"),
  nth: fc.nat(2),
});

const dies = fc.constantFrom<Fate["how"]>("dies before", "dies after");

const fate: fc.Arbitrary<Fate> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      at: fc.constant("any" as const),
      after: fc.oneof(fc.nat(8), fc.nat(60)),
      how: fc.oneof(dies, fc.constantFrom<Fate["how"]>("fails before", "fails after")),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ at: fc.constant("attempt" as const), after: fc.nat(5), how: dies }),
  },
);

const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("start" as const),
      what: fc.constantFrom("worker", "worker", "recorder", "run", "all"),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("doom" as const), who, fate }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("kill" as const), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("stop" as const), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("stale" as const), which: fc.nat(20) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom("pause", "pause", "unpause", "cancel") }),
  },
);

/** Soon after another mostly; now and then long enough for a message to come again. */
const after = fc.oneof(
  { weight: 8, arbitrary: fc.nat(300) },
  { weight: 6, arbitrary: fc.nat(4_000) },
  { weight: 1, arbitrary: fc.nat(40_000) },
);

const step: fc.Arbitrary<Step> = fc
  .tuple(after, deed)
  .map(([ms, rest]) => ({ after: ms, ...rest }));

type Crew = readonly (Step & { readonly do: "start" })["what"][];

/** Who is there from the start: one process that does all, or several. */
const crew = fc
  .constantFrom<Crew>(
    ["all"],
    ["all", "worker", "worker"],
    ["run", "worker", "recorder"],
    ["run", "worker", "worker", "recorder", "recorder"],
  )
  .map((all) => all.map((what): Step => ({ after: 0, do: "start", what })));

/** Of what can be left out, much is zero or empty, so that what shrinking leaves is what it takes. */
export const history: fc.Arbitrary<History> = fc.record({
  seed: fc.noShrink(fc.nat(0xff_ff_ff)),
  maxLatencyMs: fc.constantFrom(0, 0, 5, 50, 50, 200),
  maxAnswerMs: fc.constantFrom(1, 50, 500, 1_900, 1_900, 3_000),
  cruelty,
  plan,
  acts: fc.tuple(
    fc
      .tuple(crew, fc.array(step, { maxLength: 10, size: "max" }))
      .map(([first, rest]) => [...first, ...rest]),
    fc.oneof(
      { weight: 1, arbitrary: fc.constant<Step[]>([]) },
      {
        weight: 1,
        arbitrary: fc
          .array(step, { maxLength: 6, size: "max" })
          .map((rest): Step[] => [{ after: 0, do: "replay" }, ...rest]),
      },
    ),
  ),
});
