import type { Policy } from "../../shared/model/policy.ts";
import { Renewable } from "../../shared/renewable.ts";
import type { Fetched } from "../../shared/renewable.ts";
import type { Credentials, Lack } from "./credentials.ts";
import { fetchDelayMs, lackOf } from "./lack.ts";

/** Credentials that were never accepted are not fetched anew more often than this for being refused. */
const REFUSED_MS = 30_000;

/** How one kind of `auth` comes by its credentials. */
export interface CredentialMaker {
  /** `isRefused`: the server has refused those that were there. Throws CredentialError, or what `Secrets` does. */
  fetch(isRefused: boolean): Promise<Fetched<Credentials>>;
  /** Could others come of another fetch? */
  readonly canChange: boolean;
}

/**
 * The credentials of one `auth`, for all calls of a worker: fetched when the first call needs them, once however many
 * wait; anew before they expire, beside their use; and once more when the server refuses them (401).
 */
export class CredentialSource {
  readonly #maker: CredentialMaker;
  readonly #renewable: Renewable<Credentials>;
  #policy: Policy | undefined;
  #isRefused = false;
  #acceptedVersion = 0;
  #version = 0;
  #renewedAt = -Infinity;

  constructor(maker: CredentialMaker) {
    this.#maker = maker;
    this.#renewable = new Renewable(
      async () => {
        const fetched = await maker.fetch(this.#isRefused);
        this.#isRefused = false;
        this.#version = fetched.value.version;
        return fetched;
      },
      (failure) => (this.#policy ? fetchDelayMs(failure, this.#policy, Math.random()) : 0),
    );
  }

  /** What there is for calls of this policy, or why there is none. */
  read(policy: Policy, now: number): Credentials | Lack {
    this.#policy = policy;
    const value = this.#renewable.get(now);
    if (value !== undefined) return value;
    const { failure, isFetching } = this.#renewable;
    if (isFetching || failure === undefined) return { kind: "coming" };
    return lackOf(failure, policy, now);
  }

  /** An answer that was not 401: whatever else is wrong, these credentials are good. */
  accept(version: number): void {
    this.#acceptedVersion = version;
  }

  /** Those of `version` were refused. True: there are others, or `read` gives them once they have been fetched. */
  renew(version: number, now: number): boolean {
    if (!this.#maker.canChange) return false;
    if (this.isNewer(version)) return true;
    if (this.#isRefused) return true;
    if (this.#acceptedVersion !== version && now - this.#renewedAt < REFUSED_MS) return false;
    this.#renewedAt = now;
    this.#isRefused = true;
    this.#renewable.discard(this.#renewable.version);
    return true;
  }

  /** Have others been fetched since? */
  isNewer(version: number): boolean {
    return this.#version !== version;
  }

  onChange(listener: () => void, now: number): void {
    this.#renewable.onChange(listener, now);
  }
}
