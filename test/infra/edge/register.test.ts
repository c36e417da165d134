import { WAFV2Client } from "@aws-sdk/client-wafv2";
import { expect, onTestFinished, test } from "vitest";
import { AddressSet } from "../../../infra/edge/address-set.ts";
import { networkOf } from "../../../infra/edge/network.ts";
import { Register, SetIsFull } from "../../../infra/edge/register.ts";
import { Registrations } from "../../../infra/edge/registrations.ts";
import type { Registration } from "../../../infra/edge/registrations.ts";
import { useEdgeStage } from "../../support/edge-stage.ts";
import type { EdgeParts } from "../../support/edge-stage.ts";
import { WafError } from "../../support/fake-waf.ts";

const stage = useEdgeStage();
const NOW = Date.UTC(2026, 10, 24);
const HOUR_MS = 3_600_000;

/** As in an execution environment of its own: with clients of its own. */
function openRegister({ table, ipv4Set, ipv6Set }: EdgeParts, maxAddresses = 10): Register {
  const waf = new WAFV2Client({
    endpoint: stage.waf.url,
    region: "us-east-1",
    credentials: { accessKeyId: "senpu", secretAccessKey: "senpu" },
  });
  onTestFinished(() => waf.destroy());
  return new Register({
    registrations: new Registrations(stage.dynamo, table),
    sets: { ipv4: new AddressSet(waf, ipv4Set), ipv6: new AddressSet(waf, ipv6Set) },
    maxAddresses,
  });
}

function registration(address: string, who: string, hours = 1): Registration {
  return { network: networkOf(address, 64)!, who, since: NOW, until: NOW + hours * HOUR_MS };
}

test("L4: an address of either family ends in its own set", async () => {
  const parts = await stage.makeParts();
  const register = openRegister(parts);
  await register.add(registration("203.0.113.7", "ann"));
  await register.add(registration("2001:db8:0:1::5", "ann"));
  expect(parts.addresses()).toEqual({
    ipv4: ["203.0.113.7/32"],
    ipv6: ["2001:0db8:0000:0001:0000:0000:0000:0000/64"],
  });
});

test("L4: of two who register at once, with the same lock token, both end up registered", async () => {
  const parts = await stage.makeParts();
  // Both have read the set, and hold its token, before either writes.
  const bothRead = Promise.withResolvers<void>();
  let reads = 0;
  const before = stage.waf.log.length;
  stage.waf.intercept((action) => {
    if (action === "GetIPSet" && ++reads === 2) bothRead.resolve();
    return action === "UpdateIPSet" ? bothRead.promise : undefined;
  });
  onTestFinished(() => stage.waf.intercept(() => {}));
  await Promise.all(
    ["203.0.113.7", "203.0.113.8"].map((address) =>
      openRegister(parts).add(registration(address, address)),
    ),
  );
  expect(parts.addresses().ipv4.toSorted()).toEqual(["203.0.113.7/32", "203.0.113.8/32"]);
  expect(stage.waf.log.slice(before)).toContain("UpdateIPSet WAFOptimisticLockException");
});

test("of many at once, each with clients of its own, all end up registered", async () => {
  const parts = await stage.makeParts();
  const all = Array.from({ length: 8 }, (_, index) => `203.0.113.${index}`);
  await Promise.all(all.map((address) => openRegister(parts).add(registration(address, address))));
  expect(parts.addresses().ipv4.toSorted()).toEqual(all.map((address) => `${address}/32`));
});

test("an address that has had its time is taken out, and one that was prolonged stays", async () => {
  const parts = await stage.makeParts();
  const register = openRegister(parts);
  await register.add(registration("203.0.113.7", "ann", 1));
  await register.add(registration("203.0.113.8", "bob", 1));
  await register.add(registration("2001:db8::1", "bob", 1));
  await register.add(registration("203.0.113.8", "bob", 3));
  await register.expire(NOW + 2 * HOUR_MS);
  expect(parts.addresses()).toEqual({ ipv4: ["203.0.113.8/32"], ipv6: [] });
});

test("two who share an address keep it until both have taken it back", async () => {
  const parts = await stage.makeParts();
  const register = openRegister(parts);
  const [ann, bob] = [registration("203.0.113.7", "ann"), registration("203.0.113.7", "bob")];
  await register.add(ann);
  await register.add(bob);
  await register.remove(ann.network, "ann", NOW);
  expect(parts.addresses().ipv4).toEqual(["203.0.113.7/32"]);
  await register.remove(bob.network, "bob", NOW);
  expect(parts.addresses().ipv4).toEqual([]);
});

test("a set that was emptied meanwhile is filled again by the hourly run, and one that is right is not written", async () => {
  const parts = await stage.makeParts();
  const register = openRegister(parts);
  await register.add(registration("2001:db8::1", "ann"));
  // As CloudFormation does when the set's description changes.
  const emptied = { ...parts, table: (await stage.makeParts()).table };
  await openRegister(emptied).expire(NOW);
  expect(parts.addresses().ipv6).toEqual([]);
  await register.expire(NOW);
  expect(parts.addresses().ipv6).toHaveLength(1);
  const before = stage.waf.log.length;
  await register.expire(NOW);
  expect(stage.waf.log.slice(before)).toEqual(["GetIPSet", "GetIPSet"]);
});

test("an address that no longer fits is refused, and forgotten", async () => {
  const parts = await stage.makeParts();
  const register = openRegister(parts, 2);
  await register.add(registration("203.0.113.1", "ann"));
  await register.add(registration("203.0.113.2", "ann"));
  await expect(register.add(registration("203.0.113.3", "bob"))).rejects.toThrow(SetIsFull);
  await register.expire(NOW);
  expect(parts.addresses().ipv4.toSorted()).toEqual(["203.0.113.1/32", "203.0.113.2/32"]);
});

test("what AWS WAF refuses for good is told at once", async () => {
  const parts = await stage.makeParts();
  stage.waf.intercept((action) => {
    if (action === "UpdateIPSet") throw new WafError("WAFLimitsExceededException", "too many");
  });
  onTestFinished(() => stage.waf.intercept(() => {}));
  await expect(openRegister(parts).add(registration("203.0.113.1", "ann"))).rejects.toThrow(
    "too many",
  );
});
