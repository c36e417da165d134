/** What is taken of a token endpoint's answer. */
export interface Token {
  readonly accessToken: string;
  /** From the answer on; undefined: it does not say. */
  readonly lifetimeMs: number | undefined;
}

/** RFC 6750, 2.1: what may stand behind `Bearer`; and no token is as long as that. */
const TOKEN = /^[\u0021-\u007e]{1,16384}$/;

/**
 * Reads a token endpoint's answer of status 200 (RFC 6749, 5.1). Returns a phrase instead that says what it is if it is
 * none: it quotes nothing of it, as anything may stand there. Pure.
 */
export function readToken(text: string, contentType: string | undefined): Token | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const isHtml = contentType?.includes("html") === true || /^\s*</.test(text);
    if (text.trim() === "") return "with nothing";
    return isHtml ? "with HTML instead of JSON" : "with something that is no JSON";
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return "with JSON that is no object";
  }
  const answer = value as Record<string, unknown>;
  const { access_token: accessToken, token_type: type = "bearer" } = answer;
  if (accessToken === undefined) return "without an access_token";
  if (typeof accessToken !== "string" || !TOKEN.test(accessToken)) {
    return "with an access_token that no header can carry";
  }
  if (typeof type !== "string" || type.toLowerCase() !== "bearer") {
    return "with a token_type other than Bearer";
  }
  const { expires_in: expiresIn } = answer;
  if (expiresIn === undefined || expiresIn === null) return { accessToken, lifetimeMs: undefined };
  // Some servers write the number as text.
  const seconds = typeof expiresIn === "string" ? Number(expiresIn) : expiresIn;
  if (typeof seconds !== "number" || !Number.isFinite(seconds) || seconds <= 0) {
    return "with an expires_in that is no number of seconds";
  }
  return { accessToken, lifetimeMs: seconds * 1_000 };
}

/** The error code of a refusal (RFC 6749, 5.2); undefined: none that could be told. */
export function readTokenError(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    return typeof error === "string" && CODES.has(error) ? error : undefined;
  } catch {
    return undefined;
  }
}

/** Source: RFC 6749, 5.2. Another word might be anything. */
const CODES: ReadonlySet<string> = new Set([
  "invalid_request",
  "invalid_client",
  "invalid_grant",
  "unauthorized_client",
  "unsupported_grant_type",
  "invalid_scope",
]);
