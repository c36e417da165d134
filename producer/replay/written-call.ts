import { Fault } from "../../shared/document/fault.ts";
import { firstIssue } from "../../shared/document/issues.ts";
import { formatDuration } from "../../shared/duration.ts";
import type { Call } from "../../shared/model/call.ts";
import { callSchema } from "../plan/call-schema.ts";
import { parseJsonLine } from "../plan/json-line.ts";

/** A call as a plan writes it, and back: what `--set` and `--edit` change, and the plan reader checks. */
export type WrittenCall = Record<string, unknown>;

/** Throws a {@link Fault} for a body with a number that would not be kept exactly. */
export function toWritten(call: Call): WrittenCall {
  const { id, url, method = "GET", headers, json, body, timeoutMs } = call;
  return {
    id,
    method,
    url,
    ...(headers === undefined ? {} : { headers: { ...headers } }),
    ...(json === undefined ? {} : { json: parseJsonLine(json) }),
    ...(body === undefined ? {} : { body }),
    ...(timeoutMs === undefined ? {} : { timeout: formatDuration(timeoutMs) }),
  };
}

/** What of a call is written, by its field there. */
const FIELDS = [
  ["method", "method"],
  ["url", "url"],
  ["headers", "headers"],
  ["json", "json"],
  ["body", "body"],
  ["timeout", "timeoutMs"],
] as const satisfies readonly (readonly [string, keyof Call])[];

/**
 * The call that was written in place of `original`: checked as a plan's call is; what was not touched stays as it was,
 * byte by byte. Throws a {@link Fault} that names the field.
 */
export function fromWritten(written: unknown, original: Call): Call {
  const checked = callSchema.safeParse(written);
  if (!checked.success) throw new Fault(firstIssue(checked.error, written));
  const { id, call } = checked.data;
  if (id !== original.id) {
    throw new Fault(`id: stays ${JSON.stringify(original.id)}; only what the call does can change`);
  }
  const before = toWritten(original);
  const after = written as WrittenCall;
  const changed: Record<string, unknown> = { ...original };
  for (const [field, key] of FIELDS) {
    if (JSON.stringify(before[field]) === JSON.stringify(after[field])) continue;
    if (call[key] === undefined) delete changed[key];
    else changed[key] = call[key];
  }
  return changed as unknown as Call;
}
