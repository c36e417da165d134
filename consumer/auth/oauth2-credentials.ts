import type { OAuth2Policy } from "../../shared/model/auth.ts";
import { textsOf } from "../../shared/model/auth.ts";
import type { Fetched } from "../../shared/renewable.ts";
import { namesIn } from "../../shared/secrets/references.ts";
import type { Secrets } from "../../shared/secrets/secrets.ts";
import { fetchText } from "../execute/fetch-text.ts";
import type { TextAnswer } from "../execute/fetch-text.ts";
import type { Route } from "../execute/route.ts";
import type { CredentialMaker } from "./credential-source.ts";
import { CredentialError } from "./credentials.ts";
import type { Credentials } from "./credentials.ts";
import { readToken, readTokenError } from "./token-answer.ts";

/** From the start of the request for a token to the last byte of its answer. */
const TOKEN_TIMEOUT_MS = 10_000;
/** What is taken for the lifetime of a token that does not say (RFC 6749, 5.1 leaves it open). */
const USUAL_LIFETIME_MS = 3_600_000;
/** A token is fetched anew when so much of its lifetime is left, and not used any more when a part of that is. */
const MARGIN_SHARE = 0.2;
const MAX_MARGIN_MS = 60_000;

/** How to get to the token endpoint: as calls get to their API. */
export interface TokenPath {
  /** Internal addresses that its run is meant to call. */
  readonly allow: readonly string[];
  readonly route: () => Route | undefined;
}

/** Tokens by client credentials. */
export function makeOAuth2(auth: OAuth2Policy, secrets: Secrets, path: TokenPath): CredentialMaker {
  const names = textsOf(auth).flatMap(namesIn);
  let version = 0;
  return {
    canChange: true,
    fetch: async (isRefused): Promise<Fetched<Credentials>> => {
      // The client's secret may have been changed with the token's being revoked.
      if (isRefused) secrets.age(names);
      await secrets.reload(names);
      await secrets.load(names);
      const askedAt = Date.now();
      const answer = await ask(auth, secrets, path);
      const { accessToken, lifetimeMs = USUAL_LIFETIME_MS } = accept(auth, answer);
      secrets.note(accessToken);
      const marginMs = Math.min(MAX_MARGIN_MS, lifetimeMs * MARGIN_SHARE);
      return {
        value: { version: ++version, header: ["authorization", `Bearer ${accessToken}`] },
        freshUntil: askedAt + lifetimeMs - marginMs,
        validUntil: askedAt + lifetimeMs - marginMs / 4,
      };
    },
  };
}

function ask(
  auth: OAuth2Policy,
  secrets: Secrets,
  { allow, route }: TokenPath,
): Promise<TextAnswer> {
  const resolve = (text: string): string => secrets.resolve(text);
  const form = new URLSearchParams({ grant_type: "client_credentials" });
  if (auth.scope !== undefined) form.set("scope", resolve(auth.scope));
  for (const [name, text] of Object.entries(auth.params ?? {})) form.set(name, resolve(text));
  const id = resolve(auth.clientId);
  const secret = resolve(auth.clientSecret);
  const headers = [
    ["accept", "application/json"],
    ["content-type", "application/x-www-form-urlencoded"],
  ];
  if (auth.credentials === "body") {
    form.set("client_id", id);
    form.set("client_secret", secret);
  } else {
    // Both are encoded as in a form first (RFC 6749, 2.3.1).
    const pair = `${encodeURIComponent(id)}:${encodeURIComponent(secret)}`;
    const encoded = Buffer.from(pair).toString("base64");
    secrets.note(encoded);
    headers.push(["authorization", `Basic ${encoded}`]);
  }
  const { origin, pathname, search } = new URL(auth.tokenUrl);
  const request = {
    origin,
    path: pathname + search,
    method: "POST" as const,
    headers: headers.flat(),
    body: form.toString(),
  };
  return fetchText(request, { allow, route: route() }, TOKEN_TIMEOUT_MS);
}

/** The token of an answer. Throws {@link CredentialError}, which says what the endpoint did. */
function accept({ tokenUrl }: OAuth2Policy, answer: TextAnswer): ReturnType<typeof readTokenOf> {
  const { origin, pathname } = new URL(tokenUrl);
  const endpoint = `no token from ${origin}${pathname}`;
  const { end, text, retryAfter } = answer;
  if (end.kind !== "answer") throw new CredentialError(`${endpoint}: ${answer.error}`, end);
  if (end.status !== 200) {
    const code = readTokenError(text);
    const said = `it answered ${end.status}${code === undefined ? "" : ` (${code})`}`;
    throw new CredentialError(`${endpoint}: ${said}`, end, retryAfter);
  }
  return readTokenOf(endpoint, answer);
}

function readTokenOf(endpoint: string, { text, contentType }: TextAnswer) {
  const token = readToken(text, contentType);
  if (typeof token !== "string") return token;
  // Whoever is in between, such as a page that says that there is maintenance, may be gone the next time.
  const end = { kind: "network", sent: true } as const;
  throw new CredentialError(`${endpoint}: it answered 200 ${token}`, end);
}
