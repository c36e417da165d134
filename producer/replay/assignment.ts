import { Fault, show } from "../../shared/document/fault.ts";
import { SenpuError } from "../../shared/errors.ts";
import type { Call } from "../../shared/model/call.ts";
import { fromWritten, toWritten } from "./written-call.ts";
import type { WrittenCall } from "./written-call.ts";

/** One `--set`: what of every chosen call becomes what. */
export interface Assignment {
  /** As it was written. */
  readonly text: string;
  /** `["headers", "x-token"]`, `["json", "items", "0", "name"]` */
  readonly path: readonly string[];
  readonly value: unknown;
}

const PLAIN_FIELDS = ["url", "method", "body", "timeout"];
const RIGHT =
  "--set FIELD=VALUE, where FIELD is url, method, timeout, body, headers.NAME, json or json.PATH";

/** Throws SenpuError `usage`. */
export function parseAssignment(text: string): Assignment {
  const at = text.indexOf("=");
  const field = text.slice(0, Math.max(0, at));
  const value = text.slice(at + 1);
  const dot = field.indexOf(".");
  const head = dot === -1 ? field : field.slice(0, dot);
  const rest = dot === -1 ? undefined : field.slice(dot + 1);
  if (rest === undefined && PLAIN_FIELDS.includes(field)) return { text, path: [field], value };
  // A header's name may hold dots.
  if (head === "headers" && rest) return { text, path: [head, rest.toLowerCase()], value };
  const steps = rest === undefined ? [] : rest.split(".");
  if (head === "json" && !steps.includes("") && !steps.includes("__proto__")) {
    return { text, path: [head, ...steps], value: parseValue(value) };
  }
  throw new SenpuError("usage", `--set ${show(text)} is not understood; ${RIGHT}`);
}

/** JSON where it is some, else text: `3` is a number, `"3"` and `three` are text. */
function parseValue(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** The call with all of it assigned. Throws SenpuError `usage` that names the call and the field. */
export function assign(call: Call, assignments: readonly Assignment[]): Call {
  let current = call;
  for (const assignment of assignments) {
    try {
      const written = toWritten(current);
      place(written, assignment.path, assignment.value);
      current = fromWritten(written, current);
    } catch (cause) {
      if (!(cause instanceof Fault)) throw cause;
      throw new SenpuError(
        "usage",
        `--set ${assignment.text} does not fit call ${show(call.id)}: ${cause.message}; nothing was sent`,
        { cause },
      );
    }
  }
  return current;
}

function place(written: WrittenCall, path: readonly string[], value: unknown): void {
  let holder: Record<string, unknown> = written;
  for (const [depth, step] of path.slice(0, -1).entries()) {
    if (!Object.hasOwn(holder, step)) holder[step] = {};
    const next = holder[step];
    if (typeof next !== "object" || next === null) {
      const above = path.slice(0, depth + 1).join(".");
      throw new Fault(`${above} is ${show(next)}, which has no ${show(path[depth + 1])}`);
    }
    holder = next as Record<string, unknown>;
  }
  const last = path.at(-1)!;
  if (Array.isArray(holder) && !(/^\d+$/.test(last) && Number(last) <= holder.length)) {
    throw new Fault(
      `${path.slice(0, -1).join(".")} is a list of ${holder.length}; ${show(last)} is no place in it`,
    );
  }
  holder[last] = value;
}
