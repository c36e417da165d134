import { z } from "zod";
import { RATE_PATTERN, RATE_RIGHT, parseRate } from "../../shared/duration.ts";
import { DEFAULT_CONCURRENCY, DEFAULT_LANE } from "../../shared/model/lane.ts";
import type { Lane, Rate, Total } from "../../shared/model/lane.ts";
import { Fault, notAllowed, show } from "./fault.ts";
import { addFault, check, closedObject, wholeNumber } from "./scalars.ts";

/** How many calls may be in flight and how many may start: of a lane, and of all lanes together. */

const GLOB_RIGHT = "a glob over whole URLs, such as https://api.example.com/**";
const MAX_CONCURRENCY = 100_000;
const MAX_BURST = 10_000;
/** What `auto` stands for. */
const AUTO = { minConcurrency: 1, concurrency: 256 };
const MINUTE_MS = 60_000;

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

const lane = closedObject({
  match: z
    .union([glob.transform((one) => [one]), z.array(glob).min(1, { error: GLOB_RIGHT })], {
      error: `${GLOB_RIGHT}, or a list of them`,
    })
    .optional()
    .meta({
      description:
        "Globs over URLs; the first lane with a match takes the call. `default` has none.",
    }),
  concurrency: concurrency.prefault(DEFAULT_CONCURRENCY).meta({
    description:
      "Calls in flight, over all workers together. With min and max it adapts to the server's answers; auto: from 1 up to 256.",
    examples: [8, { min: 2, max: 40 }, "auto"],
  }),
  rate: rate.optional().meta({
    description:
      "Calls started, over all workers together, at most 100000/s. Default: as fast as concurrency allows.",
  }),
  burst: burst.meta({
    description:
      "Starts that may come at once after a pause, beside rate. Default: 1, evenly spaced.",
  }),
}).transform((written, context) => ({
  match: written.match ?? [],
  ...written.concurrency,
  ...withBurst(written, context),
}));

const LANE_NAME_RIGHT = "a lane's name is of a–z, 0–9 and -, at most 40 characters";

export const lanesSchema = z
  .record(z.string().regex(/^[a-z0-9-]{1,40}$/, { error: LANE_NAME_RIGHT }), lane, {
    error: "an object of lanes by name",
  })
  .transform((byName): readonly Lane[] => {
    const named = Object.entries(byName).map(([name, limits]): Lane => ({ name, ...limits }));
    const rest = named.find(({ name }) => name === DEFAULT_LANE) ?? {
      name: DEFAULT_LANE,
      match: [],
      concurrency: DEFAULT_CONCURRENCY,
    };
    return [...named.filter(({ name }) => name !== DEFAULT_LANE), rest];
  });

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
