import type { Call, Method } from "../../shared/model/call.ts";
import { isUnsafe } from "../../shared/model/call.ts";
import { idempotencyKey } from "../../shared/model/idempotency-key.ts";
import type { Policy } from "../../shared/model/policy.ts";
import { traceparentOf } from "../../shared/model/trace.ts";
import { resolveSecrets } from "./secrets.ts";

/** A call as undici's dispatch takes it. */
export interface HttpRequest {
  readonly origin: string;
  readonly path: string;
  readonly method: Method;
  /** Name, value, name, value … */
  readonly headers: readonly string[];
  readonly body: string | null;
}

const USER_AGENT = "senpu (+https://www.npmjs.com/package/senpu)";

/** The plan writes URLs as `URL.href` does; only what is written otherwise, or carries a password, is parsed again. */
const PLAIN_URL = /^(https?:\/\/[^/?#@\s\\]+)(\/[^#\s]*)$/;

/** The headers that all calls of a policy share, so that calls without their own need no list of their own. */
export function sharedHeaders(policy: Policy): readonly string[] {
  const shared: Record<string, string> = { "user-agent": USER_AGENT, ...policy.headers };
  return Object.entries(shared).flat();
}

/**
 * Turns a call into a request: URL split, headers laid over each other, Idempotency-Key added to unsafe calls,
 * `${env:NAME}` resolved. Throws when the URL is none, or a secret is missing.
 */
export function buildRequest(
  call: Call,
  run: string,
  policy: Pick<Policy, "headers" | "trace">,
  shared: readonly string[],
  hasReferences: boolean,
): HttpRequest {
  const method = call.method ?? "GET";
  const url = hasReferences ? resolveSecrets(call.url) : call.url;
  const { origin, path, authorization } = splitUrl(url);
  let body = call.json ?? call.body ?? null;
  if (hasReferences && body !== null) body = resolveSecrets(body);
  if (
    call.headers === undefined &&
    call.json === undefined &&
    authorization === undefined &&
    !hasReferences &&
    policy.trace === undefined &&
    !isUnsafe(method)
  ) {
    return { origin, path, method, headers: shared, body };
  }
  const headers: Record<string, string> = { "user-agent": USER_AGENT };
  if (call.json !== undefined) headers["content-type"] = "application/json";
  if (authorization !== undefined) headers["authorization"] = authorization;
  if (isUnsafe(method)) headers["idempotency-key"] = call.key ?? idempotencyKey(run, call.id);
  if (policy.trace !== undefined) {
    headers["traceparent"] = traceparentOf(policy.trace, run, call.id);
  }
  Object.assign(headers, policy.headers, call.headers);
  if (hasReferences) {
    for (const [name, value] of Object.entries(headers)) headers[name] = resolveSecrets(value);
  }
  return { origin, path, method, headers: Object.entries(headers).flat(), body };
}

export function splitUrl(url: string): { origin: string; path: string; authorization?: string } {
  const plain = PLAIN_URL.exec(url);
  if (plain !== null) return { origin: plain[1] as string, path: plain[2] as string };
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
