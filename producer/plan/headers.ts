import { Fault, show } from "../../shared/document/fault.ts";

/** RFC 9110, 5.6.2: `token`. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** RFC 9110, 5.5: visible characters, space, tab and obs-text. */
const VALUE = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;

/** They describe the connection or the message's length (RFC 9110, 7.6.1; RFC 9112, 6), which the HTTP client alone knows. */
const OWNED_BY_CLIENT = new Set([
  "connection",
  "content-length",
  "expect",
  "keep-alive",
  "transfer-encoding",
  "upgrade",
]);

/** The name in lower case. Throws a {@link Fault} when it is no header's name or not the plan's to set. */
export function checkHeaderName(name: string): string {
  if (!TOKEN.test(name)) {
    throw new Fault(`${show(name)} is no header name; letters, digits and !#$%&'*+-.^_\`|~`);
  }
  const lower = name.toLowerCase();
  if (OWNED_BY_CLIENT.has(lower)) {
    throw new Fault("this header is set by senpu itself; leave it out");
  }
  return lower;
}

/** Throws a {@link Fault}, which does not show the value: it may be a secret. */
export function checkHeaderValue(value: string): string {
  if (!VALUE.test(value)) {
    throw new Fault(
      /[\r\n]/.test(value)
        ? "a header's value may not hold a line break"
        : "a header's value may hold only visible Latin-1 characters, spaces and tabs",
    );
  }
  return value;
}
