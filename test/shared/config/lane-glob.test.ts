import fc from "fast-check";
import { expect, test } from "vitest";
import { compileCoverage, compileGlob } from "../../../shared/config/lane-glob.ts";

const PAIRS: readonly (readonly [earlier: string, later: string, covers: boolean])[] = [
  ["https://a.example/**", "https://a.example/**", true],
  ["https://a.example/**", "https://a.example/v1/**", true],
  ["https://a.example/**", "https://a.example/", true],
  ["https://a.example", "https://a.example/**", true],
  ["https://a.example/**", "https://a.example", true],
  ["**", "https://a.example/**", true],
  ["**/items/**", "https://a.example/items/**", true],
  ["http{,s}://a.example/**", "https://a.example/v1/**", true],
  ["https://*.example/**", "https://a.example/**", true],
  ["https://*.example/**", "https://*.a.example/**", true],
  ["https://a.example:*/**", "https://a.example:80/**", true],
  ["https://a.example/**/b", "https://a.example/*/b", true],
  ["https://a.example/*", "https://a.example/x*", true],
  ["https://a.example/v1/**", "https://a.example/**", false],
  ["https://a.example/**", "http://a.example/**", false],
  ["https://a.example/**", "https://*.example/**", false],
  ["https://a.example/*", "https://a.example/**", false],
  ["https://a.example/*/b", "https://a.example/**/b", false],
  ["https://a.example/x*", "https://a.example/*", false],
  // It is covered, but that takes more than looking at letters to be sure of.
  ["https://a.example/**", "https://a.example/x[?]y", false],
];

test.each(PAIRS)("%s before %s: %s", (earlier, later, covers) => {
  expect(compileCoverage(earlier)(later)).toBe(covers);
});

test("where one covers the other, it matches every URL that the other matches", () => {
  const part = fc.constantFrom("a", "b", "ab", "*", "a*", "**");
  const glob = fc.array(part, { maxLength: 4 }).map((parts) => `https://h/${parts.join("/")}`);
  const url = fc
    .array(fc.constantFrom("a", "b", "ab", "abb"), { maxLength: 5 })
    .map((parts) => `https://h/${parts.join("/")}`);
  fc.assert(
    fc.property(glob, glob, fc.array(url, { minLength: 5, maxLength: 20 }), (one, other, urls) => {
      fc.pre(compileCoverage(one)(other));
      const [wide, narrow] = [compileGlob(one), compileGlob(other)];
      return urls.every((url) => !narrow.test(url) || wide.test(url));
    }),
    { numRuns: 500 },
  );
});
