import type { Json } from "../../shared/json/json-query.ts";
import { toCsvRow } from "../../shared/answers/csv-row.ts";
import { HEADER_COLUMN } from "../../shared/model/answer-policy.ts";
import type { SavePolicy } from "../../shared/model/answer-policy.ts";
import type { Call } from "../../shared/model/call.ts";
import type { AnswerFacts } from "./answer-reader.ts";
import { keepHeaders } from "./kept-answer.ts";
import type { Looked } from "./look.ts";
import { textOf } from "./media-type.ts";
import type { MediaType } from "./media-type.ts";

/** A line of JSON Lines, without the body and what closes it. */
export function lineHead(call: Call, facts: AnswerFacts, save: SavePolicy): string {
  const { status, headers } = facts;
  const known = {
    id: call.id,
    status,
    ...(save.headers === true ? { headers: keepHeaders(headers) } : {}),
  };
  return JSON.stringify(known).slice(0, -1);
}

/**
 * `json`: the body's own JSON, digit by digit; `text`: text of any other type; `base64`: what is no text. The body is JSON
 * already where its type says so.
 */
export function renderLine(
  call: Call,
  facts: AnswerFacts,
  save: SavePolicy,
  media: MediaType,
  body: Buffer,
): Uint8Array {
  const head = lineHead(call, facts, save);
  const text = textOf(media, body);
  // Between the tokens of JSON a line may end, within one it may not (RFC 8259, 2 and 7).
  const rest =
    text === undefined
      ? `"base64":"${body.toString("base64")}"`
      : media.isJson && body.length > 0
        ? `"json":${text.replaceAll(/[\r\n]+[ \t\r\n]*/g, "").trim()}`
        : `"text":${JSON.stringify(text)}`;
  return Buffer.from(`${head},${rest}}\n`);
}

/** A row of CSV (RFC 4180), with a line feed at its end. `bodyText`: the body, where a column wants it. */
export function renderRow(
  call: Call,
  facts: AnswerFacts,
  { columns = [] }: SavePolicy,
  looked: Looked | undefined,
  bodyText: () => string,
): Uint8Array {
  const cells = columns.map(({ source }, index) => {
    const found = looked?.[index];
    if (found !== undefined) return cellOf(found);
    if (source.startsWith(HEADER_COLUMN)) {
      return keepHeaders(facts.headers)[source.slice(HEADER_COLUMN.length)] ?? "";
    }
    switch (source) {
      case "id":
        return call.id;
      case "method":
        return call.method ?? "GET";
      case "url":
        return call.url;
      case "status":
        return String(facts.status);
      case "bytes":
        return String(facts.bytes);
      case "body":
        return bodyText();
      default:
        return "";
    }
  });
  return Buffer.from(toCsvRow(cells));
}

/** Nothing: empty; one value: itself, JSON where it is no scalar; several: a list of them. */
function cellOf(found: readonly Json[]): string {
  const value = found.length > 1 ? found : (found[0] ?? null);
  if (value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
