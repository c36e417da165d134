import { lookup as systemLookup } from "node:dns";
import type { LookupAddress } from "node:dns";
import { isIP } from "node:net";
import type { LookupFunction } from "node:net";
import type { AddressRange } from "./address-range.ts";
import { findInternalRange } from "./address-range.ts";
import { AllowList } from "./allow-list.ts";

/** A host that may not be called. One line that says why, and what to write if it is meant. */
export class BlockedError extends Error {
  override readonly name = "BlockedError";
}

/**
 * Keeps calls from internal addresses that their run is not meant to call.
 *
 * It judges addresses, not names, at the moment of connecting: `lookup` resolves a name and gives the connection only
 * addresses that may be called, so that no other answer of the DNS can come between. Once a connection stands, calls over
 * it cost nothing more.
 */
export class Guard {
  readonly lookup: LookupFunction;
  readonly #allow: AllowList;
  readonly #resolve: LookupFunction;

  /** `resolve`: as `dns.lookup`, which is the default. */
  constructor(allow: readonly string[], resolve: LookupFunction = systemLookup) {
    this.#allow = new AllowList(allow);
    this.#resolve = resolve;
    this.lookup = (hostname, options, callback) => {
      this.#resolve(hostname, { ...options, all: true }, (error, found) => {
        if (error !== null) return callback(error, "");
        try {
          const open = this.#select(hostname, addressesOf(found));
          if (options.all === true) callback(null, open);
          else callback(null, open[0].address, open[0].family);
        } catch (none) {
          callback(none as Error, "");
        }
      });
    };
  }

  /** What keeps a host that is written as an address from being called; names are `lookup`'s to judge. */
  judge(hostname: string): BlockedError | undefined {
    const address = withoutBrackets(hostname);
    const range = this.#closedRange(address, address);
    return range === undefined ? undefined : blocked(address, address, range);
  }

  /**
   * The same for a host that a proxy will connect to, which resolves it for itself: so none of the addresses that are
   * found here may be internal. A name that cannot be resolved here is the proxy's to judge. Rejects with
   * {@link BlockedError}.
   */
  async checkBehindProxy(hostname: string): Promise<void> {
    const refusal = this.judge(hostname);
    if (refusal !== undefined) throw refusal;
    if (isIP(withoutBrackets(hostname)) !== 0 || this.#allow.names(hostname)) return;
    const found = await new Promise<readonly LookupAddress[] | null>((resolve) => {
      this.#resolve(hostname, { all: true }, (error, addresses) =>
        resolve(error === null ? addressesOf(addresses) : null),
      );
    });
    for (const { address } of found ?? []) {
      const range = this.#closedRange(hostname, address);
      if (range !== undefined) throw blocked(hostname, address, range);
    }
  }

  /** Those that may be called; at least one. */
  #select(hostname: string, found: readonly LookupAddress[]): [LookupAddress, ...LookupAddress[]] {
    let closed: BlockedError | undefined;
    const open = found.filter(({ address }) => {
      const range = this.#closedRange(hostname, address);
      if (range !== undefined) closed ??= blocked(hostname, address, range);
      return range === undefined;
    });
    const [first, ...rest] = open;
    if (first === undefined) throw closed ?? noAddress(hostname);
    return [first, ...rest];
  }

  #closedRange(hostname: string, address: string): AddressRange | undefined {
    const range = findInternalRange(address);
    return range === undefined || this.#allow.opens(hostname, address, range) ? undefined : range;
  }
}

function noAddress(hostname: string): Error {
  const code = "ENOTFOUND";
  return Object.assign(new Error(`getaddrinfo ${code} ${hostname}`), {
    code,
    syscall: "getaddrinfo",
  });
}

/** `[::1]`, as `URL` has it. */
function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

function addressesOf(found: string | readonly LookupAddress[]): readonly LookupAddress[] {
  return typeof found === "string" ? [{ address: found, family: isIP(found) }] : found;
}

function blocked(hostname: string, address: string, range: AddressRange): BlockedError {
  const leads = hostname === address ? "is" : `leads to ${address},`;
  const entry = range.holdsHosts ? hostname.replace(/\.$/, "") : address;
  return new BlockedError(
    `${hostname} ${leads} ${range.meaning} (${range.cidr}); if it is meant, ${howToAllow(entry)}`,
  );
}

function howToAllow(entry: string): string {
  const written = entry.includes(":") ? `"${entry}"` : entry;
  return `write allow: [${written}] in the plan, or --allow ${entry}`;
}
