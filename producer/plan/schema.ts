import { isIP } from "node:net";
import { z } from "zod";
import { authSchema } from "../../shared/config/auth-schema.ts";
import { lanesSchema, timeoutSchema, totalSchema } from "../../shared/config/limits-schema.ts";
import { Fault, notAllowed } from "../../shared/document/fault.ts";
import {
  check,
  closedObject,
  durationMs,
  percentage,
  wholeNumber,
} from "../../shared/document/scalars.ts";
import type { StatusPattern } from "../../shared/model/policy.ts";
import { expectSchema, keepSchema, saveSchema } from "./answer-schema.ts";
import { callSchema, headersSchema } from "./call-schema.ts";
import { eachSchema } from "./each-schema.ts";
import { fromSchema } from "./from-schema.ts";
import { breakerSchema, retrySchema, statusSchema } from "./retry-schema.ts";
import { proxySchema } from "./proxy-schema.ts";
import { onSettledSchema } from "./settled-schema.ts";

/** The plan's definition: the one place that its types, its validation and its JSON Schema come from. */

const STATUS_RIGHT = "a status from 100 to 599, or a class of them such as 2xx";

const success = z.union(
  [
    statusSchema,
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

const tolerance = percentage(0, 100).meta({
  description:
    "More failed than this (of all planned; before that is known, of 100 or more), and the run stops. Default: it never does.",
});

/** SQS keeps a message no longer. Source: SQS quotas, "Message retention". */
const MAX_DEADLINE_MS = 14 * 86_400_000;

const defaults = closedObject({
  headers: headersSchema.prefault({}),
  auth: authSchema.optional(),
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
  lanes: lanesSchema
    .prefault({})
    .meta({ description: "Calls that share limits, by the lane's name, in order of matching." }),
  total: totalSchema
    .optional()
    .meta({ description: "What all lanes together may do, beside each lane's own limits." }),
  defaults: defaults.prefault({}).meta({ description: "For every call." }),
  retry: retrySchema.prefault({}).meta({ description: "What is tried again, and when." }),
  breaker: breakerSchema.prefault({}).meta({
    description: "When a destination that keeps failing is left alone; false: never.",
  }),
  success: z
    .array(success, { error: `a list; ${STATUS_RIGHT}` })
    .min(1, { error: `a list of at least one; ${STATUS_RIGHT}` })
    .default(["2xx"])
    .meta({ description: "What counts as succeeded." }),
  expect: expectSchema.optional().meta({
    description:
      "What the body of a success must be, in JSONPath (RFC 9535); all must hold. Else the call is rejected, or tried again where retry.on has expect.",
    examples: ["$.ok = true", ["$.status = 'done'", "$.items[0]"]],
  }),
  keep: keepSchema.optional().meta({
    description:
      "Kept of each answer beside its call in the ledger: nothing, status and headers, or the body too. Default: nothing.",
    examples: ["headers", { body: "64KB" }],
  }),
  save: saveSchema.optional().meta({
    description:
      "Where the answers of calls that succeed are written, once a call: a .jsonl or .csv file, a folder (a file a call), or s3://bucket/prefix (an object a call).",
    examples: ["answers.jsonl", { to: "answers.csv", columns: { id: "id", name: "$.name" } }],
  }),
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
  proxy: proxySchema.optional(),
  tolerance: tolerance.optional(),
  trace: z.boolean({ error: "true or false" }).optional().meta({
    description:
      "Send a W3C traceparent with each call, all in one trace. Default: when the producer was given one (TRACEPARENT).",
  }),
  onSettled: onSettledSchema
    .optional()
    .meta({ description: "What is done once the run has ended." }),
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
  from: fromSchema.optional(),
  each: eachSchema.optional(),
}).meta({
  title: "senpu plan",
  description: "Web API calls to make, and how.",
});

/** A plan as a person writes it. */
export type PlanInput = z.input<typeof planSchema>;

/** The JSON Schema of a plan's file, for editors. */
export function planJsonSchema(): object {
  return z.toJSONSchema(planSchema, { io: "input", unrepresentable: "any" });
}
