import type { Call, Method } from "../../shared/model/call.ts";
import { isUnsafe } from "../../shared/model/call.ts";
import { idempotencyKey } from "../../shared/model/idempotency-key.ts";
import type { Policy } from "../../shared/model/policy.ts";
import { traceparentOf } from "../../shared/model/trace.ts";
import type { Credentials } from "../auth/credentials.ts";
import type { Route } from "./route.ts";

/** A call as undici's dispatch takes it. */
export interface HttpRequest {
  readonly origin: string;
  readonly path: string;
  readonly method: Method;
  /** Name, value, name, value … */
  readonly headers: readonly string[];
  readonly body: string | null;
  /** What it was built with; undefined: nothing but the call. */
  readonly grant?: Grant | undefined;
  /** Names of headers, in lower case, that are meant for this origin only, beside those that always are. */
  readonly bound?: readonly string[];
  /** The body is meant for this origin only. */
  readonly isBodyBound?: boolean;
}

/** What a call is made with beside itself. */
export interface Grant {
  readonly credentials?: Credentials;
  /** Through a proxy. */
  readonly route?: Route;
  /** Resolves the references of a text. Absent: nothing of the call has any. */
  readonly resolve?: (text: string) => string;
}

const USER_AGENT = "senpu (+https://www.npmjs.com/package/senpu)";

/** The plan writes URLs as `URL.href` does; only what is written otherwise, or carries a password, is parsed again. */
const PLAIN_URL = /^(https?:\/\/[^/?#@\s\\]+)(\/[^#\s]*)$/;

/** The headers that all calls of a policy share, so that calls without their own need no list of their own. */
export function sharedHeaders(policy: Policy, header?: Credentials["header"]): readonly string[] {
  const shared: Record<string, string> = { "user-agent": USER_AGENT, ...policy.headers };
  if (header !== undefined) shared[header[0]] = header[1];
  return Object.entries(shared).flat();
}

/**
 * Turns a call into a request: URL split, headers laid over each other, credentials and to unsafe calls an
 * Idempotency-Key added, references resolved. `shared`: as {@link sharedHeaders} makes it for this policy and these
 * credentials. Throws when the URL is none, or a secret is missing.
 */
export function buildRequest(
  call: Call,
  run: string,
  policy: Pick<Policy, "headers" | "trace">,
  shared: readonly string[],
  grant?: Grant,
): HttpRequest {
  const method = call.method ?? "GET";
  const resolve = grant?.resolve;
  const split = splitUrl(call.url, resolve);
  const { origin, authorization } = split;
  const path = withQuery(split.path, grant?.credentials?.query);
  let body = call.json ?? call.body ?? null;
  if (resolve !== undefined && body !== null) body = resolve(body);
  if (
    call.headers === undefined &&
    call.json === undefined &&
    authorization === undefined &&
    resolve === undefined &&
    policy.trace === undefined &&
    !isUnsafe(method)
  ) {
    return { origin, path, method, headers: shared, body, grant };
  }
  const headers: Record<string, string> = { "user-agent": USER_AGENT };
  if (call.json !== undefined) headers["content-type"] = "application/json";
  if (authorization !== undefined) headers["authorization"] = authorization;
  if (isUnsafe(method)) headers["idempotency-key"] = call.key ?? idempotencyKey(run, call.id);
  if (policy.trace !== undefined) {
    headers["traceparent"] = traceparentOf(policy.trace, run, call.id);
  }
  const header = grant?.credentials?.header;
  if (header !== undefined) headers[header[0]] = header[1];
  Object.assign(headers, policy.headers, call.headers);
  if (resolve === undefined) {
    return { origin, path, method, headers: Object.entries(headers).flat(), body, grant };
  }
  const bound: string[] = [];
  for (const [name, value] of Object.entries({ ...policy.headers, ...call.headers })) {
    const resolved = resolve(value);
    if (resolved !== value) bound.push(name);
    headers[name] = resolved;
  }
  const isBodyBound = body !== (call.json ?? call.body ?? null);
  return {
    origin,
    path,
    method,
    headers: Object.entries(headers).flat(),
    body,
    grant,
    bound,
    isBodyBound,
  };
}

/** The path with one parameter more. */
export function withQuery(path: string, parameter: string | undefined): string {
  if (parameter === undefined) return path;
  return `${path}${path.includes("?") ? "&" : "?"}${parameter}`;
}

/** Origin and path of a URL, its references resolved. Throws where it is none. */
export function splitUrl(
  url: string,
  resolve?: (text: string) => string,
): { origin: string; path: string; authorization?: string } {
  if (resolve !== undefined && url.includes("${")) return parseUrl(resolveUrl(url, resolve));
  const plain = PLAIN_URL.exec(url);
  if (plain !== null) return { origin: plain[1] as string, path: plain[2] as string };
  return parseUrl(url);
}

/** A user or password may hold what would else end it: it is encoded, as only there a value is nothing but a value. */
function resolveUrl(url: string, resolve: (text: string) => string): string {
  const [, scheme = "", user = "", rest = url] = WITH_USER.exec(url) ?? [];
  const encoded = user.replaceAll(/\$\{[^}]*\}/g, (one) => encodeURIComponent(resolve(one)));
  return scheme + encoded + resolve(rest);
}

const WITH_USER = /^(https?:\/\/)((?:\$\{[^}]*\}|[^/?#@\s])*@)(.*)$/s;

function parseUrl(url: string): { origin: string; path: string; authorization?: string } {
  const parsed = new URL(url);
  if (parsed.protocol !== "http:" && parsed.protocol !== "https:") {
    throw new TypeError(`${parsed.protocol} is not a protocol for a call; http: and https: are`);
  }
  const origin = parsed.origin;
  const path = parsed.pathname + parsed.search;
  if (parsed.username === "" && parsed.password === "") return { origin, path };
  const credentials = `${decodeURIComponent(parsed.username)}:${decodeURIComponent(parsed.password)}`;
  return { origin, path, authorization: `Basic ${Buffer.from(credentials).toString("base64")}` };
}
