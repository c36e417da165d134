import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openBody, shutBody } from "../../../shared/broker/body.ts";

test("any body comes back as it was", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme", maxLength: 40 }),
      fc.integer({ min: 1, max: 400 }),
      (text, times) => {
        const body = text.repeat(times);
        expect(openBody(shutBody(body))).toBe(body);
      },
    ),
  );
});

test("a chunk of calls that are alike shrinks to less than a fifth", () => {
  const calls = Array.from({ length: 500 }, (_, i) => ({
    id: `customer-${i}`,
    url: `https://api.example.com/customers/${i * 7919}/orders`,
  }));
  const body = JSON.stringify({ v: 1, kind: "calls", calls });
  const shut = shutBody(body);
  expect(shut).toMatch(/^zstd:[A-Za-z0-9+/=]+$/);
  expect(shut.length).toBeLessThan(body.length / 5);
});

test("a short body stays readable", () => {
  const body = JSON.stringify({ v: 1, kind: "closed", run: "r", generation: 1, planned: 3 });
  expect(shutBody(body)).toBe(body);
});

test("what is damaged, or no such body, is left as it is, for its reader to refuse", () => {
  const shut = shutBody("a".repeat(10_000));
  const cut = shut.slice(0, -10);
  expect(openBody(cut)).toBe(cut);
  const noise = `zstd:${randomBytes(100).toString("base64")}`;
  expect(openBody(noise)).toBe(noise);
  expect(openBody("zstd:")).toBe("zstd:");
});

test("a small body that would grow beyond measure is not opened", () => {
  const bomb = shutBody("0".repeat(50_000_000));
  expect(bomb.length).toBeLessThan(20_000);
  expect(openBody(bomb)).toBe(bomb);
});
