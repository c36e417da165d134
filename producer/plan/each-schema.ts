import { z } from "zod";
import { timeoutSchema } from "../../shared/config/limits-schema.ts";
import { Fault, notAllowed } from "../../shared/document/fault.ts";
import { check, closedObject } from "../../shared/document/scalars.ts";
import { METHODS, type Method } from "../../shared/model/call.ts";
import { BOTH_BODIES, headersOf } from "./call-schema.ts";
import { checkHeaderValue } from "./headers.ts";
import { type JsonTemplate, parseJsonTemplate } from "./json-template.ts";
import { type Template, parseTemplate, placeholdersOf } from "./template.ts";
import { type UrlTemplate, parseUrlTemplate } from "./url-template.ts";

/** One call a row, its templates parsed. */
export interface CallTemplate {
  readonly id?: Template;
  readonly method: Template;
  readonly url: UrlTemplate;
  readonly headers?: ReadonlyMap<string, Template>;
  readonly json?: JsonTemplate;
  readonly body?: Template;
  readonly timeoutMs?: number;
}

const METHOD_RIGHT = `one of ${METHODS.join(", ")}`;

function templateText(description: string, checkText?: (text: string) => void) {
  return z
    .string({ error: "text, with placeholders such as {{ field }}" })
    .transform((text, context) =>
      check(context, text, () => {
        checkText?.(text);
        return parseTemplate(text);
      }),
    )
    .meta({ description });
}

export const eachSchema = closedObject({
  id: templateText("Stable within the run; default: derived from the call.").optional(),
  method: templateText(`${METHOD_RIGHT}; default GET.`, (text) => {
    if (!text.includes("{{") && !METHODS.includes(text as Method)) {
      throw new Fault(notAllowed(text, METHOD_RIGHT));
    }
  }).prefault("GET"),
  url: z
    .string({ error: "a URL with placeholders, such as https://api.example.com/items/{{ id }}" })
    .transform((text, context) => check(context, text, () => parseUrlTemplate(text)))
    .meta({
      description:
        "Values are percent-encoded where they stand. One placeholder alone is a whole URL, taken as it is.",
    }),
  headers: headersOf((value) => parseTemplate(checkHeaderValue(value)))
    .optional()
    .meta({ description: "Header names, and values with placeholders." }),
  json: z
    .unknown()
    .transform((value, context) =>
      value === undefined
        ? undefined
        : check(context, value, () =>
            parseJsonTemplate(value, ({ message }, path) =>
              context.issues.push({ code: "custom", message, input: value, path: [...path] }),
            ),
          ),
    )
    .optional()
    .meta({
      description:
        "The body as a JSON value. A string that is one placeholder keeps the row's type; filters bool and number give one to text.",
    }),
  body: templateText("The body as text. Either this or json.").optional(),
  timeout: timeoutSchema
    .optional()
    .meta({ description: "One attempt, when it differs from the plan's." }),
})
  .transform((written, context): CallTemplate => {
    const { id, method, url, headers, json, body, timeout } = written;
    if (json !== undefined && body !== undefined) {
      context.issues.push({ code: "custom", message: BOTH_BODIES, input: written, path: ["body"] });
    }
    return {
      ...(id === undefined ? {} : { id }),
      method,
      url,
      ...(headers === undefined ? {} : { headers }),
      ...(json === undefined ? {} : { json }),
      ...(body === undefined ? {} : { body }),
      ...(timeout === undefined ? {} : { timeoutMs: timeout }),
    };
  })
  .meta({
    title: "Call of a row",
    description: "One call for each row of `from`; {{ field }} stands for the row's value.",
  });

/** The fields that rows must have, each with where the plan names it. */
export function fieldsOf(
  each: CallTemplate,
): readonly { field: string; path: readonly string[] }[] {
  const templates: [readonly string[], Template | undefined][] = [
    [["id"], each.id],
    [["method"], each.method],
    [["url"], each.url.template],
    ...[...(each.headers ?? [])].map(([name, template]): [string[], Template] => [
      ["headers", name],
      template,
    ]),
    [["json"], each.json?.template],
    [["body"], each.body],
  ];
  return templates.flatMap(([path, template]) =>
    placeholdersOf(template ?? []).flatMap(({ field }) =>
      field === undefined ? [] : [{ field, path: ["each", ...path] }],
    ),
  );
}
