import { distance } from "fastest-levenshtein";
import { Context, type Output, Tokenizer, TokenKind, toValueSync } from "liquidjs";
import { Fault, show } from "../../shared/document/fault.ts";
import { filterNames, liquid, toBool, toNumber } from "./filters.ts";
import { checkReferences } from "../../shared/secrets/references.ts";
import { appendPiece, escapeReferences } from "./references.ts";

/** A row as its file gives it: text from CSV, any JSON value from JSON Lines. */
export type Row = Readonly<Record<string, unknown>>;

/** `{{ … }}`, parsed once. */
export interface Placeholder {
  /** As the plan writes it, for messages. */
  readonly text: string;
  /** The field, when it is one by its bare name. */
  readonly field?: string;
  /** Its value; throws a {@link Fault} where the row has none. */
  readonly read: (row: Row) => unknown;
}

/** Text of the plan and placeholders, in turn. */
export type Template = readonly (string | Placeholder)[];

const BARE = /^([A-Za-z_][\w-]*)(?:\s*\|\s*(bool|number))?$/;

/** Throws a {@link Fault} for what is no template. */
export function parseTemplate(text: string): Template {
  if (!text.includes("{{") && !text.includes("{%")) return [checkReferences(text)];
  return topLevelTokens(text).map((token) => {
    if (token.kind === TokenKind.HTML) {
      return checkReferences((token as unknown as { getContent(): string }).getContent());
    }
    if (token.kind === TokenKind.Tag) {
      throw new Fault(
        `${show(token.getText())}: tags are not known; placeholders {{ … }} with filters are`,
      );
    }
    return parsePlaceholder(token.getText());
  });
}

export function placeholdersOf(template: Template): readonly Placeholder[] {
  return template.filter((piece) => typeof piece !== "string");
}

/** A placeholder's value as it stands in what is rendered. */
export type Write = (placeholder: Placeholder, row: Row, index: number) => string;

/** References in what `write` gives come to nothing: a row cannot reach the worker's environment. */
export function renderTemplate(template: Template, row: Row, write: Write = readText): string {
  let rendered = "";
  for (let index = 0; index < template.length; index++) {
    const piece = template[index]!;
    rendered = appendPiece(
      rendered,
      typeof piece === "string" ? piece : escapeReferences(write(piece, row, index)),
    );
  }
  return rendered;
}

/** The placeholder's value as text; null is empty. Throws a {@link Fault} for objects and lists. */
export function readText(placeholder: Placeholder, row: Row): string {
  const value = placeholder.read(row);
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (value === null || value === undefined) return "";
  throw new Fault(
    `${placeholder.text} is ${Array.isArray(value) ? "a list" : "an object"} where text is needed; the filter json writes it as text`,
  );
}

function topLevelTokens(text: string) {
  try {
    return new Tokenizer(text, liquid().options.operators).readTopLevelTokens(liquid().options);
  } catch (cause) {
    throw new Fault(`${show(text)}: ${liquidMessage(cause)}`, { cause });
  }
}

function parsePlaceholder(text: string): Placeholder {
  const inner = text
    .replace(/^\{\{-?/, "")
    .replace(/-?\}\}$/, "")
    .trim();
  const bare = BARE.exec(inner);
  if (bare !== null && !["true", "false", "nil", "null", "empty", "blank"].includes(bare[1]!)) {
    const field = bare[1]!;
    const read = fieldReader(field);
    if (bare[2] === "bool") {
      return { text, field, read: (row) => convert(toBool, read(row), field) };
    }
    if (bare[2] === "number") {
      return { text, field, read: (row) => convert(toNumber, read(row), field) };
    }
    return { text, field, read };
  }
  if (/^[\w-]+(\s+[\w-]+)+\s*(\||$)/.test(inner)) {
    const name = inner.split("|")[0]!.trim();
    throw new Fault(`${show(text)}: a field with a space is written {{ row[${show(name)}] }}`);
  }
  return { text, read: expressionReader(text) };
}

function fieldReader(field: string): (row: Row) => unknown {
  const missing = `field ${show(field)} is missing`;
  return (row) => {
    if (!Object.hasOwn(row, field)) throw new Fault(missing);
    return row[field];
  };
}

function convert<T>(filter: (value: unknown) => T, value: unknown, field: string): T {
  try {
    return filter(value);
  } catch (error) {
    throw error instanceof Fault ? new Fault(`field ${show(field)}: ${error.message}`) : error;
  }
}

/** Anything beyond a bare field goes through Liquid; the row as a whole is `row` there. */
function expressionReader(text: string): (row: Row) => unknown {
  let output: Output;
  try {
    output = liquid().parse(text)[0] as Output;
  } catch (cause) {
    throw new Fault(`${show(text)}: ${liquidMessage(cause)}`, { cause });
  }
  const { options } = liquid();
  return (row) => {
    const context = new Context(
      row,
      options,
      { sync: true, globals: { row } },
      { liquid: liquid() },
    );
    try {
      return toValueSync(output.value.value(context, false));
    } catch (cause) {
      const original = (cause as { originalError?: unknown }).originalError ?? cause;
      const fault = original instanceof Fault ? original.message : liquidMessage(cause);
      throw new Fault(fault.startsWith("field ") ? fault : `${text}: ${fault}`, { cause });
    }
  };
}

/** Liquid's own words, without its line and column, which count within the placeholder. */
function liquidMessage(error: unknown): string {
  const [message = ""] = (error instanceof Error ? error.message : String(error)).split(
    /, line:\d+/,
  );
  const variable = /^undefined variable: (.*)$/.exec(message);
  if (variable !== null) return `field ${show(variable[1])} is missing`;
  const filter = /^undefined filter: (.*)$/.exec(message);
  if (filter !== null) {
    const name = filter[1]!;
    const nearest = filterNames().toSorted((a, b) => distance(a, name) - distance(b, name))[0];
    return `filter ${show(name)} is not known; did you mean ${show(nearest)}?`;
  }
  return message;
}
