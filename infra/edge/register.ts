import type { AddressSet } from "./address-set.ts";
import { MAX_ADDRESSES } from "./address-set.ts";
import { ADDRESS_FAMILIES } from "./names.ts";
import type { AddressFamily } from "./names.ts";
import type { Network } from "./network.ts";
import type { Registration, Registrations } from "./registrations.ts";

export interface RegisterOptions {
  readonly registrations: Registrations;
  readonly sets: Readonly<Record<AddressFamily, AddressSet>>;
  /** Default: AWS WAF's own. */
  readonly maxAddresses?: number;
}

/** The set has no room. */
export class SetIsFull extends Error {
  override readonly name = "SetIsFull";
}

/**
 * Registered addresses: first the table, then the set that follows from it. A death in between leaves a set that lacks
 * the table's last change, until the next registration or the hourly run.
 */
export class Register {
  readonly #options: RegisterOptions;

  constructor(options: RegisterOptions) {
    this.#options = options;
  }

  /** Throws {@link SetIsFull}, and forgets the registration again. */
  async add(registration: Registration): Promise<void> {
    const { registrations, maxAddresses = MAX_ADDRESSES } = this.#options;
    const { network, who, since } = registration;
    await registrations.put(registration);
    try {
      await this.#follow(network.family, since, (networks) => {
        if (networks.length <= maxAddresses) return;
        throw new SetIsFull(
          `the set of ${network.family} addresses holds ${maxAddresses}, AWS WAF's limit: senpu allow-ip --remove what is not needed`,
        );
      });
    } catch (error) {
      if (error instanceof SetIsFull) await registrations.remove(network, who);
      throw error;
    }
  }

  async remove(network: Network, who: string, now: number): Promise<void> {
    await this.#options.registrations.remove(network, who);
    await this.#follow(network.family, now);
  }

  /** Both sets hold what counts at `now` and nothing else, whatever they held before. */
  async expire(now: number): Promise<void> {
    for (const family of ADDRESS_FAMILIES) await this.#follow(family, now);
  }

  async #follow(
    family: AddressFamily,
    now: number,
    check: (networks: readonly string[]) => void = () => {},
  ): Promise<void> {
    const { registrations, sets, maxAddresses = MAX_ADDRESSES } = this.#options;
    await sets[family].keep(async () => {
      const networks = await registrations.networks(family, now);
      check(networks);
      return networks.slice(0, maxAddresses);
    });
  }
}
