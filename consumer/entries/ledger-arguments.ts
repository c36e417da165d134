import { SenpuError } from "../../shared/errors.ts";
import { RUN_STATES } from "../../shared/model/figures.ts";
import type { RunState } from "../../shared/model/figures.ts";
import { REASONS } from "../../shared/model/outcome.ts";
import type { CallFilter, LedgerRecord, NewRun } from "../../shared/ledger/ledger.ts";

/**
 * Arguments of the ledger's methods as they come from outside: hostile until one of these has read them. Each throws
 * {@link SenpuError} `message`, which names the argument and what would be right.
 */

/** An id of a run or a call, and whatever else is a name: longer is a mistake. */
const MAX_TEXT_CHARS = 100_000;
const CALL_STATES = ["pending", "cancelled", "failed", "succeeded"] as const;

export function readText(value: unknown, name: string, maxChars = MAX_TEXT_CHARS): string {
  if (typeof value === "string" && value.length <= maxChars) return value;
  throw unsuitable(name, `text of up to ${maxChars} characters`, value);
}

/** From 0 on. */
export function readInteger(value: unknown, name: string): number {
  if (Number.isSafeInteger(value) && Number(value) >= 0) return Number(value);
  throw unsuitable(name, "a whole number from 0", value);
}

export function readOptional<T>(
  value: unknown,
  name: string,
  read: (value: unknown, name: string) => T,
): T | undefined {
  return value === undefined ? undefined : read(value, name);
}

export function readTexts(value: unknown, name: string, max: number): string[] {
  if (!Array.isArray(value) || value.length > max) {
    throw unsuitable(name, `a list of up to ${max} texts`, value);
  }
  return (value as unknown[]).map((one) => readText(one, name));
}

export function readState(value: unknown, name: string): RunState {
  return readOne(value, name, RUN_STATES);
}

/** Null: none. Undefined: as it is. */
export function readTolerance(value: unknown, name: string): number | null {
  if (value === null || (typeof value === "number" && value >= 0 && value <= 1)) return value;
  throw unsuitable(name, "a share from 0 to 1, or null", value);
}

export function readNewRun(value: unknown, name: string): NewRun {
  const run = readFields(value, name);
  return {
    id: readText(run["id"], `${name}.id`),
    name: readText(run["name"], `${name}.name`),
    parent: run["parent"] === null ? null : readText(run["parent"], `${name}.parent`),
    createdAt: readInteger(run["createdAt"], `${name}.createdAt`),
    source: readJson(run["source"], `${name}.source`),
    settings: readJson(run["settings"], `${name}.settings`),
    tolerance: readTolerance(run["tolerance"], `${name}.tolerance`),
  };
}

export function readFrom(value: unknown, name: string): { generation: number; state: RunState } {
  const from = readFields(value, name);
  return {
    generation: readInteger(from["generation"], `${name}.generation`),
    state: readState(from["state"], `${name}.state`),
  };
}

/** Closing records alone: whoever publishes a run says so at once; all else comes by the ledger queue. */
export function readClosingRecords(value: unknown, name: string): LedgerRecord[] {
  if (!Array.isArray(value)) throw unsuitable(name, "a list of closing records", value);
  return (value as unknown[]).map((one) => {
    const record = readFields(one, name);
    return {
      kind: readOne(record["kind"], `${name}.kind`, ["closed"]),
      run: readText(record["run"], `${name}.run`),
      generation: readInteger(record["generation"], `${name}.generation`),
      planned: readInteger(record["planned"], `${name}.planned`),
    };
  });
}

export function readFilter(value: unknown, name: string): CallFilter {
  const filter = readFields(value, name);
  const text = (field: string): string | undefined =>
    readOptional(filter[field], `${name}.${field}`, readText);
  const status = readOptional(filter["status"], `${name}.status`, (range, at) => {
    const { from, to } = readFields(range, at);
    return { from: readInteger(from, `${at}.from`), to: readInteger(to, `${at}.to`) };
  });
  const read = {
    state: readOptional(filter["state"], `${name}.state`, (one, at) =>
      readOne(one, at, CALL_STATES),
    ),
    reason: readOptional(filter["reason"], `${name}.reason`, (one, at) =>
      readOne(one, at, REASONS),
    ),
    status,
    lane: text("lane"),
    host: text("host"),
    id: text("id"),
    after: text("after"),
    limit: readOptional(filter["limit"], `${name}.limit`, readInteger),
    withAnswers: filter["withAnswers"] === true ? (true as const) : undefined,
  };
  return Object.fromEntries(Object.entries(read).filter(([, one]) => one !== undefined));
}

function readFields(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw unsuitable(name, "an object", value);
}

function readOne<const One extends string>(value: unknown, name: string, all: readonly One[]): One {
  const found = all.find((one) => one === value);
  if (found !== undefined) return found;
  throw unsuitable(name, `one of ${all.join(", ")}`, value);
}

/** Of a run: it is read again as JSON, by the recorder too. */
function readJson(value: unknown, name: string): string {
  const text = readText(value, name, MAX_JSON_CHARS);
  try {
    readFields(JSON.parse(text), name);
    return text;
  } catch {
    throw unsuitable(name, "a JSON object as text", value);
  }
}

const MAX_JSON_CHARS = 1_000_000;

export function unsuitable(name: string, right: string, given: unknown): SenpuError {
  const shown = (JSON.stringify(given) ?? "nothing").slice(0, 80);
  return new SenpuError("message", `${name} should be ${right}, and is ${shown}`);
}
