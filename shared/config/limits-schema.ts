import { z } from "zod";
import { Fault, notAllowed, show } from "../document/fault.ts";
import { addFault, check, closedObject, durationMs, wholeNumber } from "../document/scalars.ts";
import { RATE_PATTERN, RATE_RIGHT, parseRate } from "../duration.ts";
import { DEFAULT_CONCURRENCY, DEFAULT_LANE } from "../model/lane.ts";
import type { Lane, Rate, Total } from "../model/lane.ts";
import type { AuthPolicy } from "../model/auth.ts";
import { authSchema } from "./auth-schema.ts";

/**
 * How many calls may be in flight and how many may start, of a lane and of all lanes together: as a plan and the
 * configuration write it alike.
 */

const GLOB_RIGHT = "a glob over whole URLs, such as https://api.example.com/**";
const MAX_CONCURRENCY = 100_000;
const MAX_BURST = 10_000;
/** What `auto` stands for. */
const AUTO = { minConcurrency: 1, concurrency: 256 };
const MINUTE_MS = 60_000;
const MAX_TIMEOUT_MS = 3_600_000;

/** The longest one attempt may take. */
export const timeoutSchema = durationMs(1, MAX_TIMEOUT_MS);

const rate = z
  .string({ error: RATE_RIGHT })
  .regex(RATE_PATTERN, { error: RATE_RIGHT })
  .meta({ examples: ["20/s", "300/m"] })
  .transform((text, context) =>
    check(context, text, () => {
      const parsed = parseRate(text);
      if (parsed === undefined) throw new Fault(notAllowed(text, RATE_RIGHT));
      return parsed;
    }),
  );

const burst = wholeNumber(1, MAX_BURST).optional();

/** The rate with its burst; a burst that makes no sense becomes an issue. */
function withBurst(
  written: { readonly rate?: Rate | undefined; readonly burst?: number | undefined },
  context: { issues: unknown[] },
): { readonly rate?: Rate } {
  const { rate, burst } = written;
  if (burst === undefined) return rate === undefined ? {} : { rate };
  if (rate === undefined) {
    addFault(context, burst, ["burst"], "needs rate, which says how fast it fills up again");
    return {};
  }
  // A rate an hour has bursts of more than a minute by its nature.
  const spanMs = Math.max(MINUTE_MS, rate.perMs);
  const most = Math.max(1, Math.floor((rate.count * spanMs) / rate.perMs));
  if (burst > most) {
    const span = spanMs === MINUTE_MS ? "a minute" : "an hour";
    addFault(
      context,
      burst,
      ["burst"],
      `${burst} is more than the rate allows in ${span}; a whole number from 1 to ${Math.min(most, MAX_BURST)}`,
    );
  }
  return { rate: { ...rate, burst } };
}

const glob = z
  .string({ error: GLOB_RIGHT })
  .meta({ examples: ["https://api.example.com/**"] })
  .transform((text, context) =>
    check(context, text, () => {
      if (text.includes("://") || text.startsWith("**")) return text;
      throw new Fault(`${show(text)} has no scheme; ${GLOB_RIGHT}`);
    }),
  );

type Concurrency = Pick<Lane, "concurrency" | "minConcurrency">;

const concurrency = z.union(
  [
    wholeNumber(1, MAX_CONCURRENCY).transform((fixed): Concurrency => ({ concurrency: fixed })),
    z.literal("auto").transform((): Concurrency => AUTO),
    closedObject({
      min: wholeNumber(1, MAX_CONCURRENCY).meta({
        description: "It begins with so many, and never falls below.",
      }),
      max: wholeNumber(1, MAX_CONCURRENCY).meta({ description: "It never climbs above." }),
    }).transform((bounds, context): Concurrency => {
      const { min, max } = bounds;
      if (min > max) {
        addFault(context, min, ["min"], `${min} is more than max, ${max}; a smaller one`);
      }
      return { minConcurrency: min, concurrency: max };
    }),
  ],
  { error: `a whole number from 1 to ${MAX_CONCURRENCY}, auto, or an object with min and max` },
);

/** A lane as it is written: what it does not say is for others to say. */
export interface WrittenLane {
  readonly name: string;
  /** Empty: it says none. */
  readonly match: readonly string[];
  readonly concurrency?: number;
  readonly minConcurrency?: number;
  readonly rate?: Rate;
  readonly auth?: AuthPolicy | null;
}

/** Fields of a lane, wherever one is written. */
export const laneFields = {
  match: z
    .union([glob.transform((one) => [one]), z.array(glob).min(1, { error: GLOB_RIGHT })], {
      error: `${GLOB_RIGHT}, or a list of them`,
    })
    .optional()
    .meta({
      description:
        "Globs over URLs; the first lane with a match takes the call. `default` has none.",
    }),
  concurrency: concurrency.optional().meta({
    description: `Calls in flight, over all workers together. With min and max it adapts to the server's answers; auto: from 1 up to 256. Default: the configuration's where it has the lane, else ${DEFAULT_CONCURRENCY}.`,
  }),
  rate: rate.optional().meta({
    description:
      "Calls started, over all workers together, at most 100000/s. Default: as fast as concurrency allows.",
  }),
  burst: burst.meta({
    description:
      "Starts that may come at once after a pause, beside rate. Default: 1, evenly spaced.",
  }),
  auth: authSchema.optional(),
};

/** What the fields say; a burst that makes no sense becomes an issue. */
export function readLaneFields(
  written: {
    readonly match?: readonly string[] | undefined;
    readonly concurrency?: Concurrency | undefined;
    readonly rate?: Rate | undefined;
    readonly burst?: number | undefined;
    readonly auth?: AuthPolicy | null | undefined;
  },
  context: { issues: unknown[] },
): Omit<WrittenLane, "name"> {
  const { auth } = written;
  return {
    match: written.match ?? [],
    ...written.concurrency,
    ...withBurst(written, context),
    ...(auth === undefined ? {} : { auth }),
  };
}

const LANE_NAME_RIGHT = "a lane's name is of a–z, 0–9 and -, at most 40 characters";

const laneName = z
  .string()
  .regex(/^[a-z0-9-]{1,40}$/, { error: LANE_NAME_RIGHT })
  .regex(/^(?!.*-(failed|dead)$)/, {
    error: "a lane's name does not end in -failed or -dead, as names of its other queues do",
  });

/** Lanes by name, in the order in which they are written. */
export function lanesOf<Fields extends z.ZodType<object>>(fields: Fields) {
  return z
    .record(laneName, fields, { error: "an object of lanes by name" })
    .transform((byName): readonly ({ readonly name: string } & z.output<Fields>)[] =>
      Object.entries(byName).map(([name, lane]) => ({ name, ...lane })),
    );
}

/** As a plan has them. */
export const lanesSchema = lanesOf(closedObject(laneFields).transform(readLaneFields));

/** What is wrong between a lane's name and its match; undefined: nothing. */
export function matchFault(
  { name, match }: Pick<WrittenLane, "name" | "match">,
  isKnown: boolean,
): string | undefined {
  if (name === DEFAULT_LANE) {
    return match.length > 0
      ? "the lane default takes what no other matches; leave match out"
      : undefined;
  }
  return match.length === 0 && !isKnown ? `is missing; ${GLOB_RIGHT}` : undefined;
}

export const totalSchema = closedObject({
  concurrency: wholeNumber(1, MAX_CONCURRENCY)
    .optional()
    .meta({ description: "Calls in flight. Default: no limit but the lanes'." }),
  rate: rate.optional().meta({ description: "Calls started. Default: no limit but the lanes'." }),
  burst: burst.meta({ description: "Starts that may come at once after a pause, beside rate." }),
}).transform((written, context): Total => {
  const { concurrency } = written;
  if (concurrency === undefined && written.rate === undefined && written.burst === undefined) {
    addFault(context, written, [], "limits nothing; give concurrency, rate or both");
  }
  return {
    ...(concurrency === undefined ? {} : { concurrency }),
    ...withBurst(written, context),
  };
});
