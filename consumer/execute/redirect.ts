import type { Attempt } from "./attempt.ts";
import { withQuery } from "./request.ts";
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
  const { grant, bound = [], isBodyBound = false } = request;
  // What was signed was this request and no other: then the answer is taken as it is.
  if (grant?.credentials?.sign !== undefined) return null;
  const path = target.pathname + target.search;
  if (target.origin === request.origin) {
    const query = grant?.credentials?.query;
    const isThere = query === undefined || target.search.includes(query);
    return { ...request, path: isThere ? path : withQuery(path, query) };
  }
  const { credentials: _, ...rest } = grant ?? {};
  const header = grant?.credentials?.header?.[0];
  return {
    ...request,
    origin: target.origin,
    path,
    headers: withoutOriginBound(request.headers, header === undefined ? bound : [...bound, header]),
    body: isBodyBound ? null : request.body,
    // It is not given credentials again by coming back.
    grant: rest,
  };
}

function withoutOriginBound(headers: readonly string[], bound: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    const lower = name.toLowerCase();
    if (!ORIGIN_BOUND.has(lower) && !bound.includes(lower)) {
      kept.push(name, headers[i + 1] as string);
    }
  }
  return kept;
}
