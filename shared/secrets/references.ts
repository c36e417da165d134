import { Fault, show } from "../document/fault.ts";

/**
 * Secrets by name, as text holds them: `${env:NAME}` is a variable of the worker's environment, `${file:/path}` a file
 * that the worker can read, `${secret:crm/token}` a secret of the stores that `open.ts` names, `${secret:crm/oauth#key}`
 * one field of a secret that is JSON. `$${` stands for a plain `${`.
 */

/** `env:NAME`, `file:/path`, `secret:name` or `secret:name#field`. */
export type SecretName = string;

const NAME = String.raw`env:[A-Za-z_][A-Za-z0-9_]*|file:\/[^{}\p{C}]{1,500}|secret:[A-Za-z0-9][A-Za-z0-9_.@+=-]*(?:\/[A-Za-z0-9][A-Za-z0-9_.@+=-]*)*(?:#[^{}#\p{C}]{1,100})?`;

/** Alike in all that reads them; the first group is the name. */
const REFERENCE = new RegExp(String.raw`\$\$\{|\$\{(${NAME})\}`, "gu");

/** Whatever looks like one, for complaints. */
const ATTEMPTED = new RegExp(String.raw`\$\$\{|\$\{(?:${NAME})\}|\$\{[^}]{0,80}\}?`, "gu");

const RIGHT = "write ${env:NAME}, ${file:/path} or ${secret:name}";

/** The names that a text refers to. */
export function namesIn(text: string): SecretName[] {
  if (!text.includes("${")) return [];
  return [...text.matchAll(REFERENCE)].flatMap(([, name]) => (name === undefined ? [] : [name]));
}

/** The text with each reference replaced, and `$${` by a plain `${`. */
export function replaceReferences(text: string, valueOf: (name: SecretName) => string): string {
  if (!text.includes("${")) return text;
  return text.replaceAll(REFERENCE, (_reference, name: string | undefined) =>
    name === undefined ? "${" : valueOf(name),
  );
}

/** The text; throws a {@link Fault} for a `${` that is neither a reference nor `$${`. */
export function checkReferences(text: string): string {
  if (!text.includes("${")) return text;
  for (const [found] of text.matchAll(ATTEMPTED)) {
    if (found === "$${" || new RegExp(String.raw`^\$\{(?:${NAME})\}$`, "u").test(found)) continue;
    throw new Fault(complaint(found));
  }
  return text;
}

function complaint(found: string): string {
  if (found.startsWith("${secret:")) {
    return `${show(found)} names no secret; write \${secret:name} with letters, digits and ._@+=-, parts by /, or \${secret:name#field}`;
  }
  if (found.startsWith("${file:")) {
    return `${show(found)} names no file; write \${file:/path} with an absolute path`;
  }
  return found.startsWith("${env:")
    ? `${show(found)} names no variable; write \${env:NAME} with letters, digits and _`
    : `${show(found)} is no reference; ${RIGHT}, or $\${ for a plain \${`;
}
