import { Fault } from "../../shared/document/fault.ts";
import { messageOf } from "../../shared/errors.ts";

/** The value of a line; throws a {@link Fault} for broken JSON, and for a number that would not be kept exactly. */
export function parseJsonLine(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
    if (/\d{16}|\d[eE]\+?\d{3}/.test(text)) JSON.parse(text, refuseInexact);
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault(`broken JSON: ${messageOf(cause).replace(/ \(line \d+ column \d+\)$/, "")}`, {
      cause,
    });
  }
  return value;
}

function refuseInexact(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number") return value;
  const source = context?.source ?? "";
  const exact = Number.isFinite(value) && (!/^-?\d+$/.test(source) || Number.isSafeInteger(value));
  if (!exact) {
    throw new Fault(`the number ${source} is too large to be kept exactly; write it as text`);
  }
  return value;
}
