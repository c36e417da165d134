import { BlockList, isIPv4 } from "node:net";

/**
 * Which addresses are no part of the public internet.
 *
 * By `net.BlockList` of Node, which is native and knows no address as text, so that no way of writing one passes it.
 */
export interface AddressRange {
  /** `10.0.0.0/8` */
  readonly cidr: string;
  /** What its addresses are, with an article: `a private address`. */
  readonly meaning: string;
  /** Where hosts of one's own stand. What is no such range is opened by address only: names may be in others' hands. */
  readonly holdsHosts: boolean;
}

type Rows = readonly (readonly [cidr: string, meaning: string, holds?: "hosts"])[];

const METADATA = "a cloud's metadata address";
const PRIVATE = "a private address";
const DOCUMENTATION = "an address for documentation only";
const TUNNEL = "an address of a tunnel between IPv4 and IPv6";

/**
 * The first that holds an address names it. Source: IANA's registry of special-purpose IPv4 addresses (RFC 6890), and
 * the clouds' documentation of their metadata services.
 */
const IPV4: Rows = [
  ["0.0.0.0/8", "an unspecified address"],
  ["10.0.0.0/8", PRIVATE, "hosts"],
  // Alibaba Cloud.
  ["100.100.100.200/32", METADATA],
  ["100.64.0.0/10", "an address shared behind a carrier (RFC 6598)", "hosts"],
  ["127.0.0.0/8", "a loopback address", "hosts"],
  // Azure's host, reachable from its machines only.
  ["168.63.129.16/32", METADATA],
  // AWS, Google Cloud, Azure and most others; tasks of ECS; pods of EKS.
  ["169.254.169.254/32", METADATA],
  ["169.254.170.2/32", METADATA],
  ["169.254.170.23/32", METADATA],
  ["169.254.0.0/16", "a link-local address"],
  ["172.16.0.0/12", PRIVATE, "hosts"],
  // Oracle Cloud.
  ["192.0.0.192/32", METADATA],
  ["192.0.0.0/24", "a reserved address"],
  ["192.0.2.0/24", DOCUMENTATION],
  ["192.88.99.0/24", TUNNEL],
  ["192.168.0.0/16", PRIVATE, "hosts"],
  ["198.18.0.0/15", "an address for benchmarks only"],
  ["198.51.100.0/24", DOCUMENTATION],
  ["203.0.113.0/24", DOCUMENTATION],
  ["224.0.0.0/4", "a multicast address"],
  ["255.255.255.255/32", "the broadcast address"],
  ["240.0.0.0/4", "a reserved address"],
];

/** The same for IPv6. Whatever is not in 2000::/3 is not public: IANA has given out nothing else (RFC 4291, 2.4). */
const IPV6: Rows = [
  ["::/128", "the unspecified address"],
  ["::1/128", "a loopback address", "hosts"],
  ["::/96", "an IPv4 address in a form that is no longer used (RFC 4291)"],
  ["64:ff9b:1::/48", "an address that a network translates to IPv4 for itself (RFC 8215)"],
  ["2001:db8::/32", DOCUMENTATION],
  ["3fff::/20", DOCUMENTATION],
  // Teredo among them.
  ["2001::/23", TUNNEL],
  ["2002::/16", TUNNEL],
  // AWS; pods of EKS; Google Cloud.
  ["fd00:ec2::254/128", METADATA],
  ["fd00:ec2::23/128", METADATA],
  ["fd20:ce::254/128", METADATA],
  ["fc00::/7", "a unique local address", "hosts"],
  ["fe80::/10", "a link-local address"],
  ["fec0::/10", "a site-local address"],
  ["ff00::/8", "a multicast address"],
  ["::/3", "a reserved address"],
  ["4000::/2", "a reserved address"],
  ["8000::/1", "a reserved address"],
];

const TABLES = { ipv4: compile(IPV4, "ipv4"), ipv6: compile(IPV6, "ipv6") };

interface Table {
  /** All of them. */
  readonly internal: BlockList;
  readonly ranges: readonly (AddressRange & { readonly addresses: BlockList })[];
}

/**
 * The range that makes an address internal; undefined: it is public, or no address. An IPv6 address that leads to an
 * IPv4 one is as internal as that one.
 */
export function findInternalRange(address: string): AddressRange | undefined {
  const plain = withoutZone(address);
  const inner = isIPv4(plain) ? plain : innerIPv4(plain);
  const family = inner === undefined ? "ipv6" : "ipv4";
  const { internal, ranges } = TABLES[family];
  if (!internal.check(inner ?? plain, family)) return undefined;
  return ranges.find(({ addresses }) => addresses.check(inner ?? plain, family));
}

/** `fe80::1%eth0` is `fe80::1`, which a BlockList would not find. */
export function withoutZone(address: string): string {
  const at = address.indexOf("%");
  return at === -1 ? address : address.slice(0, at);
}

/** As `URL` writes what leads to IPv4 on the wire: mapped (RFC 4291, 2.5.5.2), or by NAT64 (RFC 6052, 2.1). */
const LEADS_TO_IPV4 = /^\[(?:::ffff:|64:ff9b::)(?:(?:([0-9a-f]{1,4}):)?([0-9a-f]{1,4}))?\]$/;

/** The IPv4 address that an IPv6 one leads to. */
export function innerIPv4(address: string): string | undefined {
  const written = LEADS_TO_IPV4.exec(URL.parse(`http://[${address}]`)?.hostname ?? "");
  if (written === null) return undefined;
  const [high, low] = [written[1], written[2]].map((group = "0") => Number.parseInt(group, 16));
  return [high! >> 8, high! & 255, low! >> 8, low! & 255].join(".");
}

function compile(rows: Rows, family: "ipv4" | "ipv6"): Table {
  const internal = new BlockList();
  const ranges = rows.map(([cidr, meaning, holds]) => {
    const [network = "", bits] = cidr.split("/");
    const addresses = new BlockList();
    for (const list of [addresses, internal]) list.addSubnet(network, Number(bits), family);
    return { cidr, meaning, holdsHosts: holds === "hosts", addresses };
  });
  return { internal, ranges };
}
