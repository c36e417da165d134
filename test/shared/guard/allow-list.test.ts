import { expect, test } from "vitest";
import { findInternalRange } from "../../../shared/guard/address-range.ts";
import { AllowList } from "../../../shared/guard/allow-list.ts";

function opens(entry: string, hostname: string, address = hostname): boolean {
  return new AllowList([entry]).opens(hostname, address, findInternalRange(address)!);
}

test.each([
  ["127.0.0.1", "127.0.0.1"],
  ["127.1", "127.0.0.1"],
  ["127.0.0.1", "::ffff:7f00:1"],
  ["10.1.2.3/16", "10.1.255.255"],
  ["10.0.0.0/8", "64:ff9b::a00:1"],
  ["0.0.0.0/0", "192.168.0.1"],
  ["::1", "::1"],
  ["[::1]", "0:0:0:0:0:0:0:1"],
  ["fd00::/8", "fd12::1"],
  ["[fe80::]/10", "fe80::1%eth0"],
  ["fe80::1%eth0", "fe80::1"],
  ["169.254.169.254", "169.254.169.254"],
  ["localhost", "localhost", "127.0.0.1"],
  ["LOCALHOST", "localhost.", "::1"],
  ["crm.internal", "crm.internal", "10.0.0.1"],
])("%s opens %s", (entry, hostname, address = hostname) => {
  expect(opens(entry, hostname, address)).toBe(true);
});

test.each([
  ["127.0.0.1", "127.0.0.2"],
  ["127.0.0.1", "::1"],
  ["10.0.0.0/8", "192.168.0.1"],
  ["10.0.0.0/", "192.168.0.1"],
  ["10.0.0.0/33", "10.0.0.1"],
  ["::1/129", "::1"],
  ["localhost", "127.0.0.1"],
  ["internal", "crm.internal", "10.0.0.1"],
  ["crm.internal", "crm.internal.evil.example", "10.0.0.1"],
  ["a@crm.internal", "crm.internal", "10.0.0.1"],
  ["crm.internal:80", "crm.internal", "10.0.0.1"],
  ["crm.internal/8", "crm.internal", "10.0.0.1"],
  ["", "127.0.0.1"],
])("%s does not open %s", (entry, hostname, address = hostname) => {
  expect(opens(entry, hostname, address)).toBe(false);
});

test("a name opens no address that only its DNS could mean: metadata, link-local, multicast", () => {
  for (const address of [
    "169.254.169.254",
    "169.254.1.1",
    "fd00:ec2::254",
    "224.0.0.1",
    "0.0.0.0",
  ]) {
    expect(opens("crm.internal", "crm.internal", address)).toBe(false);
  }
});
