import { isIP } from "node:net";
import { z } from "zod";
import { RATE_PATTERN, parseRate } from "../../shared/duration.ts";
import { DEFAULT_CONCURRENCY, DEFAULT_LANE, type Lane } from "../../shared/model/lane.ts";
import type { StatusPattern } from "../../shared/model/policy.ts";
import { callSchema, headersSchema, timeoutSchema } from "./call-schema.ts";
import { eachSchema } from "./each-schema.ts";
import { Fault, notAllowed, show } from "./fault.ts";
import { checkWhole } from "./plan-rules.ts";
import { check, closedObject, durationMs, wholeNumber } from "./scalars.ts";

/** The plan's definition: the one place that its types, its validation and its JSON Schema come from. */

const RATE_RIGHT = "a rate such as 20/s, 300/m or 1000/h";
const GLOB_RIGHT = "a glob over whole URLs, such as https://api.example.com/**";
const STATUS_RIGHT = "a status from 100 to 599, or a class of them such as 2xx";
const RETRY_RIGHT = "a status from 100 to 599, network or timeout";
const TOLERANCE_RIGHT = "a share from 0% to 100%, such as 5%";

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
  )
  .meta({
    description:
      "Calls started, over all workers together. Default: as fast as concurrency allows.",
  });

const glob = z
  .string({ error: GLOB_RIGHT })
  .meta({ examples: ["https://api.example.com/**"] })
  .transform((text, context) =>
    check(context, text, () => {
      if (text.includes("://") || text.startsWith("**")) return text;
      throw new Fault(`${show(text)} has no scheme; ${GLOB_RIGHT}`);
    }),
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
  concurrency: wholeNumber(1, 100_000)
    .default(DEFAULT_CONCURRENCY)
    .meta({ description: "Calls in flight, over all workers together." }),
  rate: rate.optional(),
});

const LANE_NAME_RIGHT = "a lane's name is of a–z, 0–9 and -, at most 40 characters";

const lanes = z
  .record(z.string().regex(/^[a-z0-9-]{1,40}$/, { error: LANE_NAME_RIGHT }), lane, {
    error: "an object of lanes by name",
  })
  .transform((byName): readonly Lane[] => {
    const named = Object.entries(byName).map(([name, { match, concurrency, rate }]): Lane => ({
      name,
      match: match ?? [],
      concurrency,
      ...(rate === undefined ? {} : { rate }),
    }));
    const rest = named.find(({ name }) => name === DEFAULT_LANE) ?? {
      name: DEFAULT_LANE,
      match: [],
      concurrency: DEFAULT_CONCURRENCY,
    };
    return [...named.filter(({ name }) => name !== DEFAULT_LANE), rest];
  });

const status = wholeNumber(100, 599);

const MAX_BACKOFF_MS = 3_600_000;

const retry = closedObject({
  attempts: wholeNumber(1, 100)
    .default(5)
    .meta({ description: "Tries in all, the first included." }),
  backoff: closedObject({
    first: durationMs(1, MAX_BACKOFF_MS)
      .prefault("500ms")
      .meta({ description: "The delay before the second try." }),
    factor: z
      .number({ error: "a number from 1 to 100" })
      .min(1, { error: "a number from 1 to 100" })
      .max(100, { error: "a number from 1 to 100" })
      .default(2)
      .meta({ description: "Each further delay is so many times the last." }),
    max: durationMs(1, MAX_BACKOFF_MS).prefault("30s").meta({ description: "The longest delay." }),
    jitter: z
      .enum(["full", "none"], { error: "full or none" })
      .default("full")
      .meta({ description: "full: uniformly between 0 and the delay; none: the delay itself." }),
  })
    .transform(({ first, factor, max, jitter }) => ({ firstMs: first, factor, maxMs: max, jitter }))
    .prefault({})
    .meta({ description: "How long to wait before a further try." }),
  on: z
    .array(z.union([status, z.enum(["network", "timeout"])], { error: RETRY_RIGHT }), {
      error: `a list; ${RETRY_RIGHT}`,
    })
    .default([408, 425, 429, 500, 502, 503, 504, "network", "timeout"])
    .meta({ description: "What is tried again." }),
  unsafe: z.boolean({ error: "true or false" }).default(false).meta({
    description: "Repeat POST and PATCH after an unknown result (timeout, connection lost, crash)?",
  }),
});

const success = z.union(
  [
    status,
    z
      .string()
      .regex(/^[1-5]xx$/, { error: STATUS_RIGHT })
      .transform((text) => text as Exclude<StatusPattern, number>),
  ],
  { error: STATUS_RIGHT },
);

export const allowEntry = z
  .string({ error: "a host name, an address or a CIDR range" })
  .transform((text, context) => check(context, text, () => checkAllowed(text)));

function checkAllowed(text: string): string {
  const [address = "", bits, ...more] = text.split("/");
  const family = isIP(address.replace(/^\[(.*)\]$/, "$1"));
  const fits =
    bits === undefined
      ? family !== 0 || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(address)
      : family !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
  if (fits && more.length === 0) return text;
  throw new Fault(
    notAllowed(
      text,
      "a host name, an address or a CIDR range such as localhost, 127.0.0.1 or 10.0.0.0/8",
    ),
  );
}

const tolerance = z
  .string({ error: TOLERANCE_RIGHT })
  .regex(/^\d+(\.\d+)?%$/, { error: TOLERANCE_RIGHT })
  .meta({ examples: ["5%"] })
  .transform((text, context) =>
    check(context, text, () => {
      const percent = Number.parseFloat(text);
      if (percent > 100) throw new Fault(notAllowed(text, TOLERANCE_RIGHT));
      return percent / 100;
    }),
  )
  .meta({
    description:
      "More failed than this (of all planned; before that is known, of 100 or more), and the run stops. Default: it never does.",
  });

/** SQS keeps a message no longer. Source: SQS quotas, "Message retention". */
const MAX_DEADLINE_MS = 14 * 86_400_000;

const defaults = closedObject({
  headers: headersSchema.prefault({}),
  timeout: timeoutSchema
    .prefault("10s")
    .meta({ description: "One attempt, from its start to the last byte of the answer." }),
  deadline: durationMs(1_000, MAX_DEADLINE_MS)
    .prefault("24h")
    .meta({ description: "From first publishing until no further attempt starts." }),
});

const settings = {
  $schema: z.string().optional().meta({ description: "For editors; ignored." }),
  name: z
    .string({ error: "text" })
    .regex(/^[^\p{C}]{1,100}$/u, { error: "1 to 100 visible characters" })
    .optional()
    .meta({ description: "The run's name. Default: the plan's file name without its ending." }),
  lanes: lanes
    .prefault({})
    .meta({ description: "Calls that share limits, by the lane's name, in order of matching." }),
  defaults: defaults.prefault({}).meta({ description: "For every call." }),
  retry: retry.prefault({}).meta({ description: "What is tried again, and when." }),
  success: z
    .array(success, { error: `a list; ${STATUS_RIGHT}` })
    .min(1, { error: `a list of at least one; ${STATUS_RIGHT}` })
    .default(["2xx"])
    .meta({ description: "What counts as succeeded." }),
  redirects: wholeNumber(0, 20)
    .default(5)
    .meta({ description: "Followed for GET and HEAD; then the last answer counts." }),
  allow: z
    .array(allowEntry, { error: "a list of hosts, addresses and CIDR ranges" })
    .default([])
    .meta({
      description: "Internal addresses that this plan is meant to call.",
      examples: [["127.0.0.1", "10.0.0.0/8"]],
    }),
  tolerance: tolerance.optional(),
};

/** What a plan that is only a list of calls has: the defaults of everything. */
export const settingsSchema = closedObject(settings);

export type PlanSettings = z.output<typeof settingsSchema>;

export const planSchema = closedObject({
  ...settings,
  calls: z
    .array(callSchema, { error: "a list of calls" })
    .default([])
    .meta({ description: "Calls one by one." }),
  from: z
    .string({ error: "the path of a .csv or .jsonl file" })
    .regex(/\.(csv|jsonl)$/i, { error: "the path of a .csv or .jsonl file" })
    .optional()
    .meta({
      description:
        "A file of rows, relative to the plan: CSV with a header row, or JSON Lines. Goes with `each`.",
      examples: ["customers.csv"],
    }),
  each: eachSchema.optional(),
})
  .superRefine(checkWhole, { when: ({ issues }) => issues.length === 0 })
  .meta({
    title: "senpu plan",
    description: "Web API calls to make, and how.",
  });

/** A plan as a person writes it. */
export type PlanInput = z.input<typeof planSchema>;

/** The JSON Schema of a plan's file, for editors. */
export function planJsonSchema(): object {
  return z.toJSONSchema(planSchema, { io: "input", unrepresentable: "any" });
}
