import { Fault, TOO_DEEP, notAllowed, show } from "../../shared/document/fault.ts";
import { checkReferences } from "../../shared/secrets/references.ts";
import { messageOf } from "../../shared/errors.ts";
import {
  type Placeholder,
  type Row,
  type Template,
  parseTemplate,
  readText,
  renderTemplate,
} from "./template.ts";

/** The JSON text of any value; throws a {@link Fault} for what JSON cannot hold, or would hold as something else. */
export function toJsonText(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
    // JSON writes NaN and Infinity as null: only a text with a null in it needs a closer look.
    if (text?.includes("null")) JSON.stringify(value, refuseInfinite);
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    if (cause instanceof RangeError) throw new Fault(TOO_DEEP, { cause });
    throw new Fault(`cannot be written as JSON: ${messageOf(cause).split("\n")[0]}`, { cause });
  }
  if (text === undefined) throw new Fault(notAllowed(value, "any JSON value"));
  return text;
}

function refuseInfinite(_key: string, value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new Fault(notAllowed(value, "JSON has only finite numbers"));
  }
  return value;
}

/**
 * A JSON value with placeholders in its strings, taken apart into JSON text and placeholders, so that a row costs
 * one concatenation and no walk.
 */
export interface JsonTemplate {
  readonly template: Template;
  /** Indexes of placeholders that are a whole value, and so keep the row's type. */
  readonly whole: ReadonlySet<number>;
}

export function parseJsonTemplate(
  value: unknown,
  onFault: (fault: Fault, path: readonly (string | number)[]) => void,
): JsonTemplate {
  const pieces: (string | Placeholder)[] = [];
  const whole = new Set<number>();
  const addText = (text: string): void => {
    const last = pieces.at(-1);
    if (typeof last === "string") pieces[pieces.length - 1] = last + text;
    else pieces.push(text);
  };
  const addString = (text: string): void => {
    const template = parseTemplate(text);
    const [only] = template;
    if (template.length === 1 && typeof only === "object") {
      whole.add(pieces.length);
      pieces.push(only);
      return;
    }
    addText('"');
    for (const piece of template) {
      if (typeof piece === "string") addText(insideString(piece));
      else pieces.push(piece);
    }
    addText('"');
  };
  const add = (node: unknown, path: readonly (string | number)[]): void => {
    if (typeof node === "string") {
      try {
        addString(node);
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        onFault(error, path);
      }
      return;
    }
    if (typeof node !== "object" || node === null) return addText(JSON.stringify(node));
    const list = Array.isArray(node);
    addText(list ? "[" : "{");
    Object.entries(node).forEach(([key, child], index) => {
      if (index > 0) addText(",");
      if (!list) addText(`${keyText(key)}:`);
      add(child, [...path, list ? index : key]);
    });
    addText(list ? "]" : "}");
  };
  // What `toJSON` methods and dropped properties leave is what counts.
  add(JSON.parse(toJsonText(value)), []);
  return { template: pieces, whole };
}

/** Throws a {@link Fault} where the row lacks a value, or has one that JSON cannot hold. */
export function renderJson({ template, whole }: JsonTemplate, row: Row): string {
  return renderTemplate(template, row, (placeholder, row, index) =>
    whole.has(index)
      ? toJsonText(placeholder.read(row) ?? null)
      : insideString(readText(placeholder, row)),
  );
}

function keyText(key: string): string {
  checkReferences(key);
  if (key.includes("{{")) throw new Fault(`${show(key)}: a placeholder cannot stand in a key`);
  return JSON.stringify(key);
}

/** A string's JSON without the quotes around it. */
function insideString(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
