import { Fault } from "../../shared/document/fault.ts";

/** The plan's own text may hold references to secrets. Data of rows may not: every `${` of theirs becomes `$${`. */

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
    throw new Fault('a "$" stands directly before a reference; put something between them');
  }
  return rendered + piece;
}
