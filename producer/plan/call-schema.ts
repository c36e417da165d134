import { z } from "zod";
import { timeoutSchema } from "../../shared/config/limits-schema.ts";
import { Fault } from "../../shared/document/fault.ts";
import { check, closedObject } from "../../shared/document/scalars.ts";
import { checkReferences } from "../../shared/secrets/references.ts";
import { type Call, METHODS } from "../../shared/model/call.ts";
import { checkHeaderName, checkHeaderValue } from "./headers.ts";
import { checkId } from "./identify.ts";
import { toJsonText } from "./json-template.ts";
import { normaliseUrl } from "./url.ts";

/** A call as the plan writes it, all but its identity. */
export type UnnamedCall = Omit<Call, "id">;

export interface PlannedCall {
  /** Undefined: derived from the call. */
  readonly id: string | undefined;
  readonly call: UnnamedCall;
}

const headerText = z.union([z.string(), z.number(), z.boolean()], {
  error: "text",
});

/** Names in lower case, values as text. `read` checks a value, and may make something else of it. */
export function headersOf<T>(read: (value: string) => T) {
  return z
    .record(z.string(), headerText, { error: "an object of header names and values" })
    .transform((headers, context) => {
      const byName = new Map<string, T>();
      for (const [name, value] of Object.entries(headers)) {
        try {
          const lower = checkHeaderName(name);
          if (byName.has(lower)) throw new Fault("stands twice; header names ignore case");
          byName.set(lower, read(String(value)));
        } catch (error) {
          if (!(error instanceof Fault)) throw error;
          context.issues.push({
            code: "custom",
            message: error.message,
            input: value,
            path: [name],
          });
        }
      }
      return byName;
    });
}

export const headersSchema = headersOf((value) => checkReferences(checkHeaderValue(value)))
  .transform((headers): Readonly<Record<string, string>> => Object.fromEntries(headers))
  .meta({
    description: "Header names and values. Names ignore case; values may hold ${env:NAME}.",
    examples: [{ accept: "application/json", authorization: "Bearer ${env:TOKEN}" }],
  });

const methodSchema = z.enum(METHODS, { error: `one of ${METHODS.join(", ")}` });

const idSchema = z
  .union([z.string(), z.int()], { error: "text" })
  .transform((id, context) => check(context, id, () => checkId(String(id))))
  .meta({
    description:
      "Stable within the run, at most 200 characters. Default: derived from method, URL, headers and body.",
  });

const urlText = (description: string) =>
  z
    .string({ error: "an absolute URL such as https://api.example.com/items" })
    .transform((text, context) => check(context, text, () => normaliseUrl(text)))
    .meta({ description });

const callObject = closedObject({
  id: idSchema.optional(),
  method: methodSchema.default("GET").meta({ description: "The HTTP method." }),
  url: urlText("Absolute http:// or https:// URL; may hold ${env:NAME}."),
  headers: headersSchema.optional(),
  json: z
    .unknown()
    .transform((value, context) =>
      value === undefined
        ? undefined
        : check(context, value, () => checkReferences(toJsonText(value))),
    )
    .optional()
    .meta({ description: "The body as a JSON value; sent as application/json." }),
  body: z
    .string({ error: "text; for a JSON value there is json" })
    .transform((text, context) => check(context, text, () => checkReferences(text)))
    .optional()
    .meta({ description: "The body as text, sent as it is. Either this or json." }),
  timeout: timeoutSchema
    .optional()
    .meta({ description: "One attempt, when it differs from the plan's." }),
}).transform((written, context): PlannedCall => {
  const { id, method, url, headers, json, body, timeout } = written;
  if (json !== undefined && body !== undefined) {
    context.issues.push({ code: "custom", message: BOTH_BODIES, input: written, path: ["body"] });
  }
  const call: UnnamedCall = {
    url,
    ...(method === "GET" ? {} : { method }),
    ...(headers === undefined ? {} : { headers }),
    ...(body === undefined ? {} : { body }),
    ...(json === undefined ? {} : { json }),
    ...(timeout === undefined ? {} : { timeoutMs: timeout }),
  };
  return { id, call };
});

export const BOTH_BODIES = "json and body exclude each other; keep one";

/** A bare URL, which is a GET, or a call in full. */
export const callSchema = z
  .union(
    [
      urlText("A bare URL is a GET.").transform((url): PlannedCall => ({
        id: undefined,
        call: { url },
      })),
      callObject,
    ],
    { error: "a URL, or an object with url" },
  )
  .meta({ title: "Call", description: "A bare URL, which is a GET, or a call in full." });
