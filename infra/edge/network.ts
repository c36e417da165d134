import { isIPv4, isIPv6 } from "node:net";
import type { AddressFamily } from "./names.ts";

/** What an address set holds for a caller. */
export interface Network {
  readonly family: AddressFamily;
  /** Canonical: lowercase, shortest, no bit set beyond the prefix. */
  readonly cidr: string;
}

const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;
const GROUPS = 8;
const GROUP_BITS = 16;

/**
 * The network of an address as it arrives, whatever way it is written. An IPv4 address in IPv6's clothes
 * (`::ffff:192.0.2.1`) is an IPv4 address. `ipv6Prefix`: 64 is a home's whole network, within which devices change their
 * addresses daily (RFC 8981); 128 is the one address.
 * Undefined for what is no address.
 */
export function networkOf(address: string, ipv6Prefix: 64 | 128): Network | undefined {
  if (isIPv4(address)) return { family: "ipv4", cidr: `${address}/32` };
  const canonical = canonicalIpv6(address);
  if (canonical === undefined) return undefined;
  const [, high, low] = MAPPED.exec(canonical) ?? [];
  if (high !== undefined && low !== undefined) {
    const bytes = [high, low].flatMap((group) => {
      const value = Number.parseInt(group, 16);
      return [value >> 8, value & 0xff];
    });
    return { family: "ipv4", cidr: `${bytes.join(".")}/32` };
  }
  const kept = groupsOf(canonical).slice(0, ipv6Prefix / GROUP_BITS);
  const masked = [...kept, ...Array<string>(GROUPS - kept.length).fill("0")].join(":");
  return { family: "ipv6", cidr: `${canonicalIpv6(masked)}/${ipv6Prefix}` };
}

/** A CIDR range in the form of {@link Network.cidr}: AWS WAF hands IPv6 back at full length. Unknown ones as they are. */
export function canonicalCidr(cidr: string): string {
  const [address = "", prefix] = cidr.split("/");
  return `${canonicalIpv6(address) ?? address}/${prefix}`;
}

/** The URL standard's serializer writes the shortest form (RFC 5952), but for mapped addresses, which it writes in hexadecimal. */
function canonicalIpv6(address: string): string | undefined {
  return isIPv6(address) ? URL.parse(`http://[${address}]/`)?.hostname.slice(1, -1) : undefined;
}

function groupsOf(canonical: string): string[] {
  const [head = "", tail] = canonical.split("::");
  const before = head === "" ? [] : head.split(":");
  if (tail === undefined) return before;
  const after = tail === "" ? [] : tail.split(":");
  return [...before, ...Array<string>(GROUPS - before.length - after.length).fill("0"), ...after];
}
