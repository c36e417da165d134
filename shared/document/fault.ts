/**
 * What is wrong with one value, said as a phrase that fits behind its place: `"x" is not allowed; a, b or c`.
 * Whoever knows the place (a field of the plan, a row of a file) catches it and says so; nobody else sees one.
 */
export class Fault extends Error {
  override readonly name = "Fault";
}

/** What is said where a parser's stack runs out. */
export const TOO_DEEP = "values stand too deeply within each other";

/** The phrase of a value that is not what it has to be. */
export function notAllowed(value: unknown, right: string): string {
  return `${show(value)} is not allowed; ${right}`;
}

const SHOWN_CHARACTERS = 80;

/** A value as the file might write it, on one line and cut short. */
export function show(value: unknown): string {
  if (typeof value === "number") return String(value);
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    // A circular structure or a bigint: its type says enough.
  }
  text ??= typeof value;
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}
