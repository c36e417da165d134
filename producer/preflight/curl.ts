import type { Call } from "../../shared/model/call.ts";
import type { Plan } from "../plan/plan.ts";

/**
 * Calls as curl lines that a person can paste into a POSIX shell.
 *
 * No secret stands in them: `${env:NAME}` becomes the shell's own variable, any other reference and whatever has a name
 * that secrets have is masked.
 */

export interface CurlLine {
  readonly id: string;
  readonly lane: string;
  readonly curl: string;
}

const MASK = "***";
/** Bodies that are longer are cut: a line is to be read. */
const MAX_BODY_CHARS = 400;
/** Names of headers, query parameters and JSON fields whose values are nobody's business. */
const SECRET_NAME =
  /authoriz|authent|oauth|(?:^|[-_])auth(?:$|[-_])|token|secret|passw|pwd|cookie|session|credential|signature|api-?_?key|access-?_?key|private-?_?key|subscription-key|^key$|^sig$/i;
/** `$${` stands for a literal `${`. */
const REFERENCE = /\$\$\{|\$\{([a-z]+):([^}]*)\}/g;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The first `count` calls of the plan that can be made. Reads no further. */
export async function firstCalls(
  plan: Plan,
  count: number,
): Promise<{ readonly call: Call; readonly lane: string; readonly headers: Call["headers"] }[]> {
  const found: { call: Call; lane: string; headers: Call["headers"] }[] = [];
  if (count === 0) return found;
  for await (const entries of plan.entries()) {
    for (const entry of entries) {
      if ("invalid" in entry) continue;
      const { headers } = entry.policy ?? plan.policy;
      found.push({ call: entry.call, lane: entry.lane, headers });
      if (found.length >= count) return found;
    }
  }
  return found;
}

/** `shared`: headers that all calls of the plan have. */
export function toCurl(call: Call, shared: Call["headers"] = {}): string {
  const { method = "GET", url, json, body } = call;
  const words = ["curl"];
  if (method === "HEAD") words.push("--head");
  else if (method !== "GET") words.push("-X", method);
  const headers: Record<string, string> = {
    ...(json === undefined ? {} : { "content-type": "application/json" }),
    ...shared,
    ...call.headers,
  };
  for (const [name, value] of Object.entries(headers)) {
    words.push("-H", quote(`${name}: `, SECRET_NAME.test(name) ? maskValue(value) : value));
  }
  const text = json === undefined ? body : maskJson(json);
  if (text !== undefined) words.push("--data-raw", quote("", cut(text)));
  words.push(quote("", maskQuery(url)));
  return words.join(" ");
}

/** References stay, since they are names; what stands beside them stays only where it is a word such as `Bearer`. */
function maskValue(value: string): string {
  const scheme = /^(?:Bearer|Basic|Token|ApiKey|Digest) /i.exec(value)?.[0] ?? "";
  const rest = value.slice(scheme.length);
  const isReference = rest.replaceAll(REFERENCE, "") === "" && rest !== "";
  return scheme + (isReference ? rest : MASK);
}

/** As it was written, but for what is secret: no other character of the URL changes. */
function maskQuery(url: string): string {
  return url.replaceAll(
    /([?&])([^=&#]+)=([^&#]*)/g,
    (whole, mark: string, name: string, value: string) =>
      SECRET_NAME.test(name) ? `${mark}${name}=${maskValue(value)}` : whole,
  );
}

function maskJson(text: string): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return text;
  }
  return JSON.stringify(maskFields(parsed));
}

function maskFields(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(maskFields);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => {
      if (!SECRET_NAME.test(name)) return [name, maskFields(part)];
      return [name, typeof part === "string" ? maskValue(part) : MASK];
    }),
  );
}

function cut(text: string): string {
  return text.length <= MAX_BODY_CHARS ? text : `${text.slice(0, MAX_BODY_CHARS)}…`;
}

/** One word of the shell: in single quotes, and references to variables in double ones. */
function quote(prefix: string, text: string): string {
  const parts: string[] = [];
  let plain = prefix;
  const flush = (): void => {
    if (plain !== "") parts.push(`'${plain.replaceAll("'", `'\\''`)}'`);
    plain = "";
  };
  let at = 0;
  for (const match of text.matchAll(REFERENCE)) {
    plain += text.slice(at, match.index);
    at = match.index + match[0].length;
    const [, kind, name = ""] = match;
    if (kind === undefined) plain += "${";
    else if (kind === "env" && VARIABLE.test(name)) {
      flush();
      parts.push(`"$${name}"`);
    } else plain += MASK;
  }
  plain += text.slice(at);
  flush();
  return parts.length === 0 ? "''" : parts.join("");
}
