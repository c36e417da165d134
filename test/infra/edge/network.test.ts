import fc from "fast-check";
import { isIP } from "node:net";
import { expect, test } from "vitest";
import { canonicalCidr, networkOf } from "../../../infra/edge/network.ts";

test.each([
  ["203.0.113.7", 64, { family: "ipv4", cidr: "203.0.113.7/32" }],
  ["2001:DB8:0:1:a:b:c:d", 64, { family: "ipv6", cidr: "2001:db8:0:1::/64" }],
  ["2001:db8:0:1:a:b:c:d", 128, { family: "ipv6", cidr: "2001:db8:0:1:a:b:c:d/128" }],
  ["2001:db8::1", 64, { family: "ipv6", cidr: "2001:db8::/64" }],
  ["::1", 128, { family: "ipv6", cidr: "::1/128" }],
  ["::ffff:203.0.113.7", 64, { family: "ipv4", cidr: "203.0.113.7/32" }],
  ["::FFFF:cb00:7107", 128, { family: "ipv4", cidr: "203.0.113.7/32" }],
] as const)(
  "L4: %s is registered by a prefix of %s as it should be",
  (address, prefix, network) => {
    expect(networkOf(address, prefix)).toEqual(network);
  },
);

test.each([
  "",
  "203.0.113",
  "203.0.113.7/32",
  "2001:db8::g",
  "fe80::1%eth0",
  "::1]/x[",
  "localhost",
])("%j is no address", (text) => expect(networkOf(text, 64)).toBeUndefined());

test("whatever way an IPv6 address is written, its network is one, and holds its first 64 bits", () => {
  fc.assert(
    fc.property(fc.ipV6(), (address) => {
      const network = networkOf(address, 64);
      if (network?.family === "ipv4") return;
      const [text = "", prefix] = network?.cidr.split("/") ?? [];
      expect([isIP(text), prefix]).toEqual([6, "64"]);
      expect(networkOf(address.toUpperCase(), 64)).toEqual(network);
      // Once masked, it stays as it is.
      expect(networkOf(text, 64)).toEqual(network);
    }),
  );
});

test("an address as AWS WAF hands it back is the one that was given", () => {
  expect(canonicalCidr("2001:0db8:0000:0001:0000:0000:0000:0000/64")).toBe("2001:db8:0:1::/64");
  expect(canonicalCidr("192.0.2.1/32")).toBe("192.0.2.1/32");
});
