/** How calls prove who makes them. Travels in each message: what is secret of it is a reference, resolved by the worker. */
export type AuthPolicy =
  | { readonly kind: "bearer"; readonly token: string }
  | { readonly kind: "basic"; readonly username: string; readonly password: string }
  | {
      readonly kind: "apiKey";
      readonly in: "header" | "query";
      /** A header's in lower case. */
      readonly name: string;
      readonly value: string;
    }
  | OAuth2Policy
  | SigV4Policy;

/** Client credentials. Source: RFC 6749, 4.4. */
export interface OAuth2Policy {
  readonly kind: "oauth2";
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope?: string;
  /** Sent with the request for a token beside what the RFC names, such as `audience`. */
  readonly params?: Readonly<Record<string, string>>;
  /** Where the client's id and secret go: `header`: as Basic, which every server must take (RFC 6749, 2.3.1). */
  readonly credentials: "header" | "body";
}

/** AWS's signature version 4, with credentials by the SDK's default chain where the worker runs. */
export interface SigV4Policy {
  readonly kind: "sigv4";
  /** As in the endpoint's name or the documentation: `execute-api`, `es`, `s3`. */
  readonly service: string;
  readonly region: string;
}

const TEXTS: Readonly<Record<AuthPolicy["kind"], readonly string[]>> = {
  bearer: ["token"],
  basic: ["username", "password"],
  apiKey: ["in", "name", "value"],
  oauth2: ["tokenUrl", "clientId", "clientSecret", "credentials"],
  sigv4: ["service", "region"],
};

/** What is wrong with a value that should be an {@link AuthPolicy}; undefined: nothing. A kind that is not known is wrong. */
export function authFault(auth: Readonly<Record<string, unknown>>): string | undefined {
  const { kind } = auth;
  const texts = Object.hasOwn(TEXTS, kind as string)
    ? TEXTS[kind as AuthPolicy["kind"]]
    : undefined;
  if (texts === undefined) return "kind";
  return texts.find((field) => typeof auth[field] !== "string");
}

/** The header that is set; undefined: none by itself, or one that a plan cannot set. */
export function headerOf(auth: AuthPolicy): string | undefined {
  if (auth.kind === "apiKey") return auth.in === "header" ? auth.name : undefined;
  return "authorization";
}

/** Every text of it that may hold references. */
export function textsOf(auth: AuthPolicy): string[] {
  return Object.values(auth).flatMap((value) =>
    typeof value === "string" ? [value] : Object.values(value as Record<string, string>),
  );
}
