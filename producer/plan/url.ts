import { Fault, notAllowed, show } from "../../shared/document/fault.ts";
import { checkReferences } from "../../shared/secrets/references.ts";

const RIGHT = "an absolute URL such as https://api.example.com/items";

/**
 * The URL as it is called: parsed, normalised, without its fragment.
 * A reference stays as it is, wherever it stands behind the scheme, except in the port.
 * Throws a {@link Fault} for anything but an absolute http: or https: URL, and for a password written out.
 */
export function normaliseUrl(text: string): string {
  if (!text.includes("${")) return parseUrl(text, text, undefined);
  checkReferences(text);
  const names: string[] = [];
  let mark = "senpuref";
  while (text.toLowerCase().includes(mark)) mark += "q";
  const marked = text
    .replaceAll("$${", () => "$%7B")
    .replaceAll(/\$\{[^}]+\}/g, (reference) => `${mark}${names.push(reference) - 1}x`);
  const reference = new RegExp(`${mark}(\\d+)x`, "g");
  return parseUrl(marked, text, reference).replaceAll(
    reference,
    (_mark, index: string) => names[Number(index)]!,
  );
}

/** The same for a URL that a row gives whole: nothing in it is a reference. */
export function normaliseForeignUrl(text: string): string {
  const url = parseUrl(
    text.replaceAll("${", () => "$%7B"),
    text,
    undefined,
  );
  if (url.includes("${")) throw new Fault(notAllowed(text, RIGHT));
  return url;
}

function parseUrl(text: string, shown: string, reference: RegExp | undefined): string {
  // The URL parser drops line breaks and tabs without a word; nobody means them.
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f]/.test(text)) {
    throw new Fault(`${show(shown)} holds a control character; ${RIGHT}`);
  }
  if (!text.includes("://")) throw new Fault(missingScheme(shown));
  const url = URL.parse(text);
  if (url === null) throw new Fault(`${show(shown)} is no valid URL; ${RIGHT}`);
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new Fault(`${show(shown)} is not allowed; only http:// and https:// can be called`);
  }
  const secret = url.password === "" ? url.username : url.password;
  if (secret !== "" && (reference === undefined || secret.replace(reference, "") !== "")) {
    throw new Fault("a password does not belong in a plan's URL; write ${env:NAME} in its place");
  }
  if (text.includes("#")) url.hash = "";
  return url.href;
}

function missingScheme(text: string): string {
  if (text === "") return `is empty; ${RIGHT}`;
  if (text.startsWith("$")) {
    return `${show(text)} has no scheme; write https:// before the reference`;
  }
  const rest = text.replace(/^[/:]+/, "");
  const scheme = /^(localhost|\d+\.\d+\.\d+\.\d+|\[)/.test(rest) ? "http" : "https";
  return `${show(text)} has no scheme; did you mean ${scheme}://${rest.slice(0, 60)}?`;
}
