import { messageOf } from "../../shared/errors.ts";
import type { Json } from "../../shared/json/json-query.ts";
import type { AnswerPolicy } from "../../shared/model/answer-policy.ts";
import { AnswerFault } from "./answer-fault.ts";
import type { MediaType } from "./media-type.ts";

/** Does the policy ask what is in the body? */
export function looksInto({ expect = [], save }: AnswerPolicy): boolean {
  return (
    expect.length > 0 ||
    (save?.format === "csv" &&
      (save.columns ?? []).some(({ source }) => /^(?:\$|body$)/.test(source)))
  );
}

/** Throws {@link AnswerFault}. The parser's own words hold some of the text: enough to see what it is. */
export function parseBody(text: string, media?: MediaType): Json {
  try {
    return JSON.parse(text, exact) as Json;
  } catch (error) {
    const type = media === undefined || media.isJson ? "JSON, as its type says" : "JSON";
    const why = text === "" ? "it is empty" : messageOf(error).slice(0, 100);
    throw new AnswerFault(`its body is not ${type}: ${why}`);
  }
}

/** A number that JavaScript would round stays as it was written, as text. */
function exact(_name: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const { source = "" } = context ?? {};
  return /^-?\d{16,}$/.test(source) ? source : value;
}
