import { describe, expect, test } from "vitest";
import { compileLanes } from "../../../producer/plan/lanes.ts";
import { entriesOf, readFiles } from "./plan-files.ts";

const MATCHES: readonly (readonly [glob: string, url: string, matches: boolean])[] = [
  ["https://api.example.com/**", "https://api.example.com/", true],
  ["https://api.example.com/**", "https://api.example.com/a/b.c/.d", true],
  ["https://api.example.com/**", "https://api.example.com/a?b=c/d&e=..%2F", true],
  ["https://api.example.com/**", "https://api.example.com/a?b=/../c", true],
  ["https://api.example.com/**", "https://api.example.com/?a=(b)[c]{d}!", true],
  ["https://api.example.com/**", "https://api.example.com.evil.org/", false],
  ["https://api.example.com/**", "http://api.example.com/", false],
  ["https://api.example.com/**", "https://apiXexample.com/", false],
  ["https://api.example.com/v1/**", "https://api.example.com/v2/x", false],
  ["https://api.example.com/v1/**", "https://evil.org/?u=https://api.example.com/v1/x", false],
  ["https://api.example.com", "https://api.example.com/a/b", true],
  ["https://*.example.com/**", "https://a.b.example.com/x", true],
  ["https://*.example.com/**", "https://evil.org/.example.com/x", false],
  ["http{,s}://a.example/**", "http://a.example/x", true],
  ["http://127.0.0.1:*/**", "http://127.0.0.1:4321/x?y", true],
  ["https://a.example/*/items", "https://a.example/7/items?page=2", true],
  ["https://a.example/*/items", "https://a.example/7/8/items", false],
  ["https://a.example/x[?]kind=a*", "https://a.example/x?kind=abc", true],
  ["**/items/**", "https://a.example/v1/items/7", true],
  ["**", "https://a.example/x", true],
];

test.each(MATCHES)("%s and %s: %s", (glob, url, matches) => {
  const laneOf = compileLanes([
    { name: "lane", match: [glob], concurrency: 1 },
    { name: "default", match: [], concurrency: 1 },
  ]);
  expect(laneOf(url)).toBe(matches ? "lane" : "default");
});

describe("the lane of a call", () => {
  test("is the first that matches, in the plan's order, and default for the rest", async () => {
    const plan = await readFiles({
      "plan.yaml": `
lanes:
  default: { concurrency: 3 }
  writes: { match: [https://a.example/w/**, https://b.example/**] }
  reads: { match: https://a.example/** }
calls: [https://a.example/w/1, https://b.example, https://a.example/1?w, https://c.example]
`,
    });
    expect(plan.lanes.map(({ name, concurrency }) => [name, concurrency])).toEqual([
      ["writes", 64],
      ["reads", 64],
      ["default", 3],
    ]);
    const lanes = (await entriesOf(plan)).map((entry) => ("lane" in entry ? entry.lane : ""));
    expect(lanes).toEqual(["writes", "writes", "reads", "default"]);
  });
});
