import type { AuthPolicy } from "../../shared/model/auth.ts";
import { textsOf } from "../../shared/model/auth.ts";
import { namesIn } from "../../shared/secrets/references.ts";
import type { Secrets } from "../../shared/secrets/secrets.ts";
import type { CredentialMaker } from "./credential-source.ts";
import type { Credentials } from "./credentials.ts";

type StaticAuth = Extract<AuthPolicy, { kind: "bearer" | "basic" | "apiKey" }>;

/** A token, a password or a key that stands in a secret: as good as that is fresh, and read anew when it is refused. */
export function makeStatic(auth: StaticAuth, secrets: Secrets): CredentialMaker {
  const names = textsOf(auth).flatMap(namesIn);
  const canChange = names.some((name) => !name.startsWith("env:"));
  let known: Credentials = { version: 0 };
  return {
    canChange,
    fetch: async (isRefused) => {
      if (isRefused) secrets.age(names);
      await secrets.reload(names);
      await secrets.load(names);
      const made = make(auth, secrets);
      if (!isSame(made, known)) known = { ...made, version: known.version + 1 };
      const freshUntil = canChange ? Date.now() + secrets.ttlMs : Infinity;
      return { value: known, freshUntil, validUntil: Infinity };
    },
  };
}

function make(auth: StaticAuth, secrets: Secrets): Omit<Credentials, "version"> {
  const resolve = (text: string): string => secrets.resolve(text);
  if (auth.kind === "bearer") return { header: ["authorization", `Bearer ${resolve(auth.token)}`] };
  if (auth.kind === "basic") {
    const pair = `${resolve(auth.username)}:${resolve(auth.password)}`;
    const encoded = Buffer.from(pair).toString("base64");
    // Neither is a secret's own form.
    secrets.note(encoded);
    return { header: ["authorization", `Basic ${encoded}`] };
  }
  const value = resolve(auth.value);
  if (auth.in === "header") return { header: [auth.name, value] };
  return { query: `${encodeURIComponent(auth.name)}=${encodeURIComponent(value)}` };
}

function isSame(one: Omit<Credentials, "version">, other: Credentials): boolean {
  return one.header?.[1] === other.header?.[1] && one.query === other.query;
}
