import type { LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";
import { expect, test } from "vitest";
import { BlockedError, Guard } from "../../../shared/guard/guard.ts";

/** A DNS that answers every name so; with nothing, that there is no such name. */
function answers(...addresses: readonly string[]): LookupFunction {
  return (hostname, _options, callback) => {
    const found = addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
    if (found.length > 0) callback(null, found);
    else callback(Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`)), "");
  };
}

function lookUp(guard: Guard, hostname: string, all = true): Promise<string | LookupAddress[]> {
  return new Promise((resolve, reject) => {
    guard.lookup(hostname, { all }, (error, address) =>
      error === null ? resolve(address) : reject(error),
    );
  });
}

test("of several addresses of a name only those are connected to that may be called", async () => {
  const resolve = answers("10.0.0.1", "93.184.216.34", "::1", "2600::1");
  const guard = new Guard([], resolve);
  expect(await lookUp(guard, "mixed.example")).toEqual([
    { address: "93.184.216.34", family: 4 },
    { address: "2600::1", family: 6 },
  ]);
  expect(await lookUp(guard, "mixed.example", false)).toBe("93.184.216.34");
});

test("a name all of whose addresses are internal is blocked, which says why and what to write", async () => {
  const guard = new Guard(["10.0.0.2"], answers("10.0.0.1", "::1"));
  await expect(lookUp(guard, "crm.example")).rejects.toThrow(
    "crm.example leads to 10.0.0.1, a private address (10.0.0.0/8); if it is meant, write allow: [crm.example] in the plan, or --allow crm.example",
  );
});

test("what a name cannot open is to be allowed by its address", async () => {
  const guard = new Guard(["metadata.example"], answers("169.254.169.254"));
  await expect(lookUp(guard, "metadata.example")).rejects.toThrow(
    /a cloud's metadata address .* --allow 169\.254\.169\.254$/,
  );
});

test("a name without an address is a matter of DNS, and not of the guard", async () => {
  const failure = lookUp(new Guard([], answers()), "nowhere.example");
  await expect(failure).rejects.toThrow(/ENOTFOUND/);
  await expect(failure).rejects.not.toBeInstanceOf(BlockedError);
});

test("hosts written as addresses are judged as they stand, and names are not", () => {
  const guard = new Guard(["10.0.0.0/8"]);
  for (const host of ["10.1.1.1", "8.8.8.8", "2600::1", "localhost"]) {
    expect(guard.judge(host)).toBeUndefined();
  }
  for (const host of ["127.0.0.1", "::1", "[::1]", "::ffff:7f00:1"]) {
    expect(guard.judge(host)).toBeInstanceOf(BlockedError);
  }
});

test("behind a proxy no address of a name may be internal, since the proxy takes which it likes", async () => {
  const check = (host: string, allow: string[], ...addresses: string[]): Promise<void> =>
    new Guard(allow, answers(...addresses)).checkBehindProxy(host);
  await check("api.example", [], "93.184.216.34", "2600::1");
  await check("api.example", ["10.0.0.0/8"], "93.184.216.34", "10.0.0.1");
  await check("hidden.example", ["hidden.example"]);
  await check("10.0.0.1", ["10.0.0.1"]);
  await expect(check("api.example", [], "93.184.216.34", "10.0.0.1")).rejects.toThrow(
    /leads to 10\.0\.0\.1/,
  );
  await expect(check("169.254.169.254", [])).rejects.toThrow(/metadata/);
  // Only the proxy knows where that one leads.
  await check("hidden.example", []);
});
