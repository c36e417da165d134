import type { Call } from "../../shared/model/call.ts";
import type { Policy } from "../../shared/model/policy.ts";
import { namesIn } from "../../shared/secrets/references.ts";
import type { SecretName } from "../../shared/secrets/references.ts";
import { MissingSecretError } from "../../shared/secrets/secrets.ts";
import type { Secrets } from "../../shared/secrets/secrets.ts";
import type { Renewable } from "../../shared/renewable.ts";
import type { Grant } from "../execute/request.ts";
import type { Route } from "../execute/route.ts";
import type { CredentialSource } from "./credential-source.ts";
import type { Credentials, Lack } from "./credentials.ts";
import { lackOf } from "./lack.ts";

/** What the calls of one chunk need beside themselves; absent parts are not needed. */
export interface AccessParts {
  readonly source?: CredentialSource | undefined;
  readonly route?: Renewable<Route> | undefined;
  readonly secrets: Secrets;
  /** Secrets that the calls themselves refer to. */
  readonly names: readonly SecretName[];
  /** Something of the calls holds a reference, or what stands for a plain `${`. */
  readonly mustResolve: boolean;
}

/**
 * What the calls of one chunk need before they can be made: credentials, secrets, a way through a proxy.
 *
 * In: the question whether all is there, asked before a call takes its slot, so that none is held while a token is
 * fetched. Out: the grant that requests are built with, the same object until something of it changes.
 */
export class Access {
  readonly #parts: AccessParts;
  #grant: Grant | undefined;
  #credentials: Credentials | undefined;

  constructor(parts: AccessParts) {
    this.#parts = parts;
  }

  /** What is missing for calls of this policy; undefined: nothing. Begins to fetch what is. */
  lack(policy: Policy, now: number): Lack | undefined {
    const { source, route, secrets, names, mustResolve } = this.#parts;
    const found = route?.get(now);
    if (route !== undefined && found === undefined) {
      const { failure, isFetching } = route;
      if (isFetching || failure === undefined) return { kind: "coming" };
      return lackOf(failure, policy, now);
    }
    for (const name of names) {
      const lack = lackOfSecret(secrets, name, policy, now);
      if (lack !== undefined) return lack;
    }
    const credentials = source?.read(policy, now);
    if (credentials !== undefined && "kind" in credentials) return credentials;
    if (this.#grant === undefined || credentials !== this.#credentials) {
      this.#credentials = credentials;
      this.#grant = {
        ...(credentials === undefined ? {} : { credentials }),
        ...(found === undefined ? {} : { route: found }),
        ...(mustResolve ? { resolve: this.resolve } : {}),
      };
    }
    return undefined;
  }

  /** As of the last time that nothing was missing. */
  get grant(): Grant {
    return this.#grant ?? {};
  }

  /** Throws MissingSecretError. */
  readonly resolve = (text: string): string => this.#parts.secrets.resolve(text);

  /** Called once, when something that was missing may be there. */
  onChange(listener: () => void, now: number): void {
    const { source, route, secrets, names } = this.#parts;
    source?.onChange(listener, now);
    route?.onChange(listener, now);
    for (const name of names) secrets.onChange(name, listener, now);
  }

  /** What the call is granted, with secrets that it refers to and that its message did not. Throws as `Secrets` does. */
  async load(call: Call): Promise<Grant> {
    const texts = textsOf(call).filter((text) => text.includes("${"));
    if (texts.length === 0) return this.grant;
    await this.#parts.secrets.load(texts.flatMap(namesIn));
    return { ...this.grant, resolve: this.resolve };
  }

  /** The server has refused (401) what a request was granted. True: there is something else, or will be. */
  renew({ credentials }: Grant, now: number): boolean {
    const { source } = this.#parts;
    return credentials !== undefined && source?.renew(credentials.version, now) === true;
  }

  isNewer({ credentials }: Grant): boolean {
    return credentials !== undefined && this.#parts.source?.isNewer(credentials.version) === true;
  }

  /** An answer that was not 401. */
  accept({ credentials }: Grant): void {
    if (credentials !== undefined) this.#parts.source?.accept(credentials.version);
  }

  redact(text: string): string {
    return this.#parts.secrets.redact(text);
  }
}

function lackOfSecret(
  secrets: Secrets,
  name: SecretName,
  policy: Policy,
  now: number,
): Lack | undefined {
  try {
    if (secrets.peek(name, now) !== undefined) return undefined;
  } catch (error) {
    if (!(error instanceof MissingSecretError)) throw error;
    return { kind: "never", reason: "invalid", error: error.message };
  }
  const failure = secrets.failureOf(name);
  return failure === undefined ? { kind: "coming" } : lackOf(failure, policy, now);
}

/** What of a call may hold references. */
export function textsOf({ url, headers, body, json }: Call): string[] {
  const texts = [url, body, json, ...Object.values(headers ?? {})];
  return texts.filter((text) => text !== undefined);
}
