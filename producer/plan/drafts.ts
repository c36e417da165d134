import { Fault, notAllowed } from "../../shared/document/fault.ts";
import { firstIssue } from "../../shared/document/issues.ts";
import { METHODS, type Method } from "../../shared/model/call.ts";
import { callSchema, type PlannedCall, type UnnamedCall } from "./call-schema.ts";
import type { CallTemplate } from "./each-schema.ts";
import { checkHeaderValue } from "./headers.ts";
import { checkId } from "./identify.ts";
import { parseJsonLine } from "./json-line.ts";
import { renderJson } from "./json-template.ts";
import { type Line, lineTooLong, readLines } from "./lines.ts";
import { type RowFile, readRows } from "./rows.ts";
import { type Row, renderTemplate } from "./template.ts";
import { normaliseUrl } from "./url.ts";
import { renderUrl } from "./url-template.ts";

/** A call on its way into the plan: without its final id, or with what is wrong. */
export type Draft =
  | { readonly row: number; readonly planned: PlannedCall }
  | {
      readonly row: number;
      readonly error: string;
      readonly id?: string | undefined;
      readonly method?: string | undefined;
      readonly url?: string | undefined;
    };

/** Something that calls are read from; each reading gives the same. */
export interface CallSource {
  read(): AsyncIterable<readonly Draft[]>;
  /** For messages: `customers.csv row 17`. */
  place(row: number): string;
}

const LIST_BATCH = 1_000;

/** The calls that stand in the plan itself. */
export function fromList(calls: readonly PlannedCall[], shown: string): CallSource {
  return {
    async *read() {
      for (let start = 0; start < calls.length; start += LIST_BATCH) {
        yield calls
          .slice(start, start + LIST_BATCH)
          .map((planned, index) => ({ row: start + index + 1, planned }));
      }
    },
    place: (row) => `${shown} calls[${row - 1}]`,
  };
}

/** A call a line: JSON, or a URL with `#` before remarks. Messages call a line a `unit`. */
export function fromLines(
  path: string,
  shown: string,
  format: "jsonl" | "txt",
  unit = "line",
): CallSource {
  const readLine = format === "jsonl" ? readCallLine : readUrlLine;
  return {
    async *read() {
      for await (const lines of readLines({ path })) {
        yield lines.flatMap((line): readonly Draft[] => {
          if (line.tooLong) return [{ row: line.number, error: lineTooLong() }];
          return format === "txt" && line.text.startsWith("#") ? [] : [readLine(line)];
        });
      }
    },
    place: (row) => `${shown} ${unit} ${row}`,
  };
}

function readUrlLine({ number, text }: Line): Draft {
  try {
    return { row: number, planned: { id: undefined, call: { url: normaliseUrl(text) } } };
  } catch (error) {
    return { row: number, error: faultOf(error), method: "GET", url: text };
  }
}

function readCallLine({ number, text }: Line): Draft {
  let value: unknown;
  try {
    value = parseJsonLine(text);
  } catch (error) {
    return { row: number, error: faultOf(error) };
  }
  const result = callSchema.safeParse(value);
  if (result.success) return { row: number, planned: result.data };
  const written = (typeof value === "object" ? (value ?? {}) : { url: value }) as Record<
    string,
    unknown
  >;
  return {
    row: number,
    error: firstIssue(result.error, value),
    id: attempt(() => checkId(textOf(written["id"]))),
    method: textOf(written["method"] ?? "GET"),
    url: textOf(written["url"]),
  };
}

function textOf(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

/** A call for each row of a file. */
export function fromRows(file: RowFile, shown: string, each: CallTemplate): CallSource {
  return {
    async *read() {
      for await (const items of readRows(file)) {
        yield items.map((item): Draft =>
          "row" in item
            ? draftOf(each, item.row, item.number)
            : { row: item.number, error: item.error },
        );
      }
    },
    place: (row) => `${shown} row ${row}`,
  };
}

function draftOf(each: CallTemplate, row: Row, number: number): Draft {
  try {
    return { row: number, planned: renderCall(each, row) };
  } catch (error) {
    return {
      row: number,
      error: faultOf(error),
      id: attempt(() => renderId(each, row)),
      method: attempt(() => renderMethod(each, row)),
      url: attempt(() => renderUrl(each.url, row)),
    };
  }
}

function renderCall(each: CallTemplate, row: Row): PlannedCall {
  const id = renderId(each, row);
  const call: { -readonly [Field in keyof UnnamedCall]: UnnamedCall[Field] } = {
    url: renderUrl(each.url, row),
  };
  const method = renderMethod(each, row);
  if (method !== "GET") call.method = method;
  if (each.headers !== undefined) {
    const headers: Record<string, string> = {};
    for (const [name, template] of each.headers) headers[name] = renderHeader(name, template, row);
    call.headers = headers;
  }
  if (each.body !== undefined) call.body = renderTemplate(each.body, row);
  if (each.json !== undefined) call.json = renderJson(each.json, row);
  if (each.timeoutMs !== undefined) call.timeoutMs = each.timeoutMs;
  return { id, call };
}

function renderId(each: CallTemplate, row: Row): string | undefined {
  return each.id === undefined ? undefined : checkId(renderTemplate(each.id, row));
}

function renderMethod(each: CallTemplate, row: Row): Method {
  const method = renderTemplate(each.method, row).trim().toUpperCase() as Method;
  if (METHODS.includes(method)) return method;
  throw new Fault(`method: ${notAllowed(method, `one of ${METHODS.join(", ")}`)}`);
}

function renderHeader(name: string, template: CallTemplate["body"] & object, row: Row): string {
  const value = renderTemplate(template, row);
  try {
    return checkHeaderValue(value);
  } catch (error) {
    throw error instanceof Fault ? new Fault(`headers.${name}: ${error.message}`) : error;
  }
}

function faultOf(error: unknown): string {
  if (error instanceof Fault) return error.message;
  throw error;
}

/** What can be known of a call that cannot be made. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}
