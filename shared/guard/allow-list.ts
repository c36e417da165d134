import { BlockList, isIP, isIPv4 } from "node:net";
import type { AddressRange } from "./address-range.ts";
import { innerIPv4, withoutZone } from "./address-range.ts";

/** The internal hosts, addresses and CIDR ranges that a run is meant to call, as its policy names them. */
export class AllowList {
  readonly #names = new Set<string>();
  readonly #addresses = new BlockList();

  /** What is no host, address or range opens nothing. */
  constructor(entries: readonly string[]) {
    for (const entry of entries) this.#add(entry);
  }

  /** Is the host meant whatever its address? */
  names(hostname: string): boolean {
    return this.#names.has(plainName(hostname));
  }

  /** Is a host at this address, which is in that internal range, meant? A name opens only ranges that hold hosts. */
  opens(hostname: string, address: string, range: AddressRange): boolean {
    return (range.holdsHosts && this.names(hostname)) || this.#holds(address);
  }

  #holds(address: string): boolean {
    const plain = withoutZone(address);
    if (isIPv4(plain)) return this.#addresses.check(plain, "ipv4");
    const inner = innerIPv4(plain);
    if (inner !== undefined && this.#addresses.check(inner, "ipv4")) return true;
    return this.#addresses.check(plain, "ipv6");
  }

  #add(entry: string): void {
    const [, text, bits] = ENTRY.exec(entry) ?? [];
    if (text === undefined) return;
    const bare = withoutZone(text.replace(/^\[(.*)\]$/, "$1"));
    // As a URL has it, because that is what it is compared with: `127.1` is 127.0.0.1, and names have no capitals.
    const host = URL.parse(`http://${isIP(bare) === 6 ? `[${bare}]` : bare}`)?.hostname ?? "";
    const address = host.replace(/^\[(.*)\]$/, "$1");
    const family = isIP(address);
    const length = Number(bits ?? (family === 4 ? 32 : 128));
    if (family === 0 && bits === undefined && host !== "") this.#names.add(plainName(host));
    if (family === 4 && length <= 32) this.#addresses.addSubnet(address, length, "ipv4");
    if (family === 6 && length <= 128) this.#addresses.addSubnet(address, length, "ipv6");
  }
}

/** A host or an address, and the length of a range's prefix. */
const ENTRY = /^([\w.-]+|\[?[\da-f:.]+(?:%\w+)?\]?)(?:\/(\d{1,3}))?$/i;

/** Without the dot that says that a name is complete. */
function plainName(hostname: string): string {
  return hostname.toLowerCase().replace(/\.$/, "");
}
