import { Fault, show } from "../../shared/document/fault.ts";

/**
 * `${env:NAME}` in a call's text is resolved by the worker; `$${` there stands for a plain `${`.
 * The plan's own text may hold references. Data of rows may not: every `${` of theirs becomes `$${`.
 */

const REFERENCE = /\$\$\{|\$\{env:[A-Za-z_][A-Za-z0-9_]*\}|\$\{[^}]{0,80}\}?/g;

/** The text; throws a {@link Fault} for a `${` that is neither `${env:NAME}` nor `$${`. */
export function checkReferences(text: string): string {
  if (!text.includes("${")) return text;
  for (const [found] of text.matchAll(REFERENCE)) {
    if (found === "$${" || /^\$\{env:[A-Za-z_]\w*\}$/.test(found)) continue;
    throw new Fault(complaint(found));
  }
  return text;
}

function complaint(found: string): string {
  if (found.startsWith("${secret:")) {
    return `${show(found)}: stores for secrets come later; put the secret into the worker's environment and write \${env:NAME}`;
  }
  return found.startsWith("${env:")
    ? `${show(found)} names no variable; write \${env:NAME} with letters, digits and _`
    : `${show(found)} is no reference; write \${env:NAME}, or $\${ for a plain \${`;
}

/** Row data with each `${` written as `$${`, so that the worker takes it as it is. */
export function escapeReferences(data: string): string {
  return data.includes("${") ? data.replaceAll("${", () => "$${") : data;
}

/**
 * Appends a piece of a template (its text, or escaped row data) to what has been rendered,
 * so that no reference comes about where the two meet: `$` and `{env:HOME}` make `$${env:HOME}`.
 */
export function appendPiece(rendered: string, piece: string): string {
  if (piece === "" || !rendered.endsWith("$")) return rendered + piece;
  if (piece.startsWith("{")) return `${rendered}$${piece}`;
  if (piece.startsWith("${")) {
    throw new Fault('a "$" stands directly before ${env:…}; put something between them');
  }
  return rendered + piece;
}
