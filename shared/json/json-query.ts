import { JSONPathEnvironment } from "json-p3";
import type { JSONPathQuery } from "json-p3";
import { Fault, show } from "../document/fault.ts";
import { messageOf } from "../errors.ts";

/**
 * Questions to a JSON value, in JSONPath (RFC 9535): no code, no assignment, and nothing that the value could change.
 * Values may come from anybody: how deep is looked is bounded, and no pattern is taken from them.
 */

/** A value of JSON as `JSON.parse` gives it. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [name: string]: Json };

export interface Expectation {
  /** As it was written. */
  readonly text: string;
  /** Undefined where it holds; else what was found in its place. Throws for a value that is nested too deeply. */
  judge(value: Json): string | undefined;
}

/** Levels of a value that a query descends. */
const MAX_DEPTH = 200;
const SHOWN_CHARS = 40;
const RIGHT =
  "a condition on the body, in JSONPath (RFC 9535), such as $.ok = true or $.count > 0 && !$.error";

const environment = new JSONPathEnvironment({ maxRecursionDepth: MAX_DEPTH });

/** Throws {@link Fault} for what is no query. */
export function compileQuery(text: string): (value: Json) => readonly Json[] {
  if (!text.startsWith("$")) throw new Fault(`${show(text)} is no JSONPath, which begins with $`);
  let query: JSONPathQuery;
  try {
    query = environment.compile(text);
  } catch (error) {
    throw new Fault(`${show(text)} is no JSONPath (RFC 9535): ${reasonOf(error)}`, {
      cause: error,
    });
  }
  return (value) => query.query(value as never).values() as Json[];
}

/**
 * A condition that is true or false of a whole value, which `$` stands for: `$.ok = true`, `$.total >= 1 && $.items[0]`,
 * `length($.id) == 8`. A path alone asks whether there is something. `=` is `==`. Throws {@link Fault}.
 */
export function compileExpectation(text: string): Expectation {
  const condition = toFilter(text);
  if (!text.includes("$")) throw new Fault(`${show(text)} asks nothing of the body; ${RIGHT}`);
  if (hasPatternOfData(text)) {
    throw new Fault(`${show(text)}: the pattern of match and search must be written out as text`);
  }
  let query: JSONPathQuery;
  try {
    query = environment.compile(`$[?${condition}]`);
  } catch (error) {
    throw new Fault(`${show(text)} is not understood (${reasonOf(error)}); ${RIGHT}`, {
      cause: error,
    });
  }
  return {
    text,
    judge: (value) =>
      query.query([value] as never).nodes.length > 0 ? undefined : findFirst(text, value),
  };
}

/** Of a list of the one value, which is what a filter is asked of: `$` is that value, however deep it stands. */
function toFilter(text: string): string {
  return text.replaceAll(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\$|[!<>=]=|=/gs, (piece) =>
    piece === "$" ? "$[0]" : piece === "=" ? "==" : piece,
  );
}

const CALLS = /\b(?:match|search)\s*\(/g;
const LITERAL_CALLS =
  /\b(?:match|search)\s*\([^()]*,\s*(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s*\)/g;

function hasPatternOfData(text: string): boolean {
  return (text.match(CALLS) ?? []).length !== (text.match(LITERAL_CALLS) ?? []).length;
}

/** What stands where the expectation's first path leads. */
function findFirst(text: string, value: Json): string {
  const [path] =
    /\$(?:[^\s=<>!&|(),[\]]|\[(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\]'"])*\])*/.exec(text) ?? [
      "$",
    ];
  try {
    const [first, ...more] = compileQuery(path)(value);
    if (first === undefined) return "nothing there";
    return more.length > 0 ? `${more.length + 1} values` : describe(first);
  } catch {
    return "something else";
  }
}

/** Short, so that no more of an answer stands in an error than who reads it needs. */
function describe(value: Json): string {
  if (Array.isArray(value)) return value.length === 1 ? "a list of 1" : `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  const text = JSON.stringify(value);
  return text.length <= SHOWN_CHARS ? text : `${text.slice(0, SHOWN_CHARS)}…`;
}

/** The library tells its own wording of the query, which is not what was written. */
function reasonOf(error: unknown): string {
  return messageOf(error).replace(/\s*\('.*':\d+\)$/s, "");
}
