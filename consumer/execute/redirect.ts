import type { Attempt } from "./attempt.ts";
import type { HttpRequest } from "./request.ts";

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** What was meant for one origin only, and is not carried to another (RFC 9110, 15.4). */
const ORIGIN_BOUND: ReadonlySet<string> = new Set([
  "authorization",
  "cookie",
  "proxy-authorization",
]);

/** The request that a redirect of a GET or HEAD asks for; null when the answer is to be taken as it is. */
export function redirected(request: HttpRequest, attempt: Attempt): HttpRequest | null {
  if (request.method !== "GET" && request.method !== "HEAD") return null;
  if (attempt.end?.kind !== "answer" || !REDIRECTS.has(attempt.end.status)) return null;
  const target = URL.parse(attempt.location ?? "", request.origin + request.path);
  if (target === null || (target.protocol !== "http:" && target.protocol !== "https:")) return null;
  const sameOrigin = target.origin === request.origin;
  return {
    ...request,
    origin: target.origin,
    path: target.pathname + target.search,
    headers: sameOrigin ? request.headers : withoutOriginBound(request.headers),
  };
}

function withoutOriginBound(headers: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    if (!ORIGIN_BOUND.has(name.toLowerCase())) kept.push(name, headers[i + 1] as string);
  }
  return kept;
}
