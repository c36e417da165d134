import { Liquid } from "liquidjs";
import { Fault, show } from "../../shared/document/fault.ts";

/**
 * Liquid with what placeholders need: values and filters, nothing that reads files, and nothing that differs from
 * one reading to the next (time, chance), because a plan that is read again must give the same calls.
 */

const FILTERS = [
  ..."abs at_least at_most ceil divided_by floor minus modulo plus round times".split(" "),
  ..."append base64_encode capitalize downcase lstrip prepend remove remove_first".split(" "),
  ..."replace replace_first rstrip slice split strip strip_newlines truncate upcase".split(" "),
  ..."compact concat first join last map reverse size sort uniq".split(" "),
  ..."date default json sha256 slugify url_decode url_encode".split(" "),
];

let engine: Liquid | undefined;

/** The one engine, made when the first placeholder needs more than a field's name. */
export function liquid(): Liquid {
  engine ??= createEngine();
  return engine;
}

function createEngine(): Liquid {
  const created = new Liquid({
    strictFilters: true,
    strictVariables: true,
    ownPropertyOnly: true,
    // A field that a `default` follows may be missing.
    lenientIf: true,
    timezoneOffset: 0,
    memoryLimit: 10_000_000,
  });
  for (const name of Object.keys(created.filters)) {
    if (!FILTERS.includes(name)) delete created.filters[name];
  }
  const { date } = created.filters;
  created.registerFilter("bool", toBool);
  created.registerFilter("number", toNumber);
  created.registerFilter("date", function (value: unknown, ...rest: unknown[]) {
    if (value === "now" || value === "today") {
      throw new Fault(`${show(value)} would give other calls each time the plan is read`);
    }
    return (date as (this: unknown, ...args: unknown[]) => unknown).call(this, value, ...rest);
  });
  return created;
}

export function filterNames(): readonly string[] {
  return [...FILTERS, "bool", "number"];
}

const BOOLEANS: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  ...["true", "yes", "y", "on", "1", 1, true].map((value) => [value, true] as const),
  ...["false", "no", "n", "off", "0", 0, false].map((value) => [value, false] as const),
]);

/** True or false of a row's text, whatever its case; throws a {@link Fault} for anything else. */
export function toBool(value: unknown): boolean {
  const bool = BOOLEANS.get(typeof value === "string" ? value.trim().toLowerCase() : value);
  if (bool === undefined) {
    throw new Fault(
      `${show(value)} is neither true nor false; true, yes, on, 1 or false, no, off, 0`,
    );
  }
  return bool;
}

/** The number that a row's text writes; throws a {@link Fault} where it is none, or would not be kept exactly. */
export function toNumber(value: unknown): number {
  if (typeof value === "number") return value;
  const text = typeof value === "string" ? value.trim() : "";
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) {
    throw new Fault(`${show(value)} is not a number`);
  }
  const number = Number(text);
  if (!Number.isFinite(number) || (/^[+-]?\d+$/.test(text) && !Number.isSafeInteger(number))) {
    throw new Fault(`${show(value)} is too large to be kept exactly; leave it text`);
  }
  return number;
}
