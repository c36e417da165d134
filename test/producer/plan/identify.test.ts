import * as fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { Identities, deriveId } from "../../../producer/plan/identify.ts";
import { callsOf, entriesOf, readFiles } from "./plan-files.ts";

function open(): Identities {
  const identities = new Identities();
  onTestFinished(() => identities.close());
  return identities;
}

describe("a derived id", () => {
  test("is 16 characters that hold from one version to the next", () => {
    expect(deriveId({ url: "https://a.example/" })).toMatch(/^[\w-]{16}$/);
    expect(deriveId({ url: "https://a.example/" })).toBe(
      deriveId({ url: "https://a.example/", method: "GET" }),
    );
    expect(deriveId({ url: "https://a.example/", timeoutMs: 5 })).toBe(
      deriveId({ url: "https://a.example/" }),
    );
  });

  test("is another as soon as method, URL, headers or body are", () => {
    const calls = [
      { url: "https://a.example/" },
      { url: "https://a.example/b" },
      { url: "https://a.example/", method: "POST" as const },
      { url: "https://a.example/", body: "1" },
      { url: "https://a.example/", json: "1" },
      { url: "https://a.example/", headers: { a: "b" } },
      { url: "https://a.example/", headers: { a: "b", c: "d" } },
      { url: "https://a.example/", headers: { a: 'b","c":"d' } },
    ];
    expect(new Set(calls.map(deriveId)).size).toBe(calls.length);
  });

  test("differs for different calls, and not for the order of headers", () => {
    const text = fc.string({ maxLength: 4 });
    const call = fc.record(
      { url: text, body: text, json: text, headers: fc.dictionary(text, text, { maxKeys: 3 }) },
      { requiredKeys: ["url"] },
    );
    fc.assert(
      fc.property(call, call, (a, b) => {
        const turned = {
          ...a,
          headers: Object.fromEntries(Object.entries(a.headers ?? {}).toReversed()),
        };
        expect(deriveId(turned)).toBe(deriveId(a));
        expect(deriveId(a) === deriveId(b)).toBe(sameCall(a, b));
      }),
    );
  });

  test("is counted where the same call stands again, past ids that are taken", () => {
    const identities = open();
    const call = { url: "https://a.example/" };
    const id = deriveId(call);
    identities.claim(`${id}-3`);
    expect([1, 2, 3].map(() => identities.derive(call))).toEqual([id, `${id}-2`, `${id}-4`]);
  });
});

interface Comparable {
  readonly url: string;
  readonly body?: string;
  readonly json?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function sameCall(a: Comparable, b: Comparable): boolean {
  const normal = ({ url, body, json, headers = {} }: Comparable): string => {
    const sorted = Object.entries(headers).sort(([x], [y]) => (x < y ? -1 : 1));
    return JSON.stringify([url, body ?? null, json ?? null, sorted]);
  };
  return normal(a) === normal(b);
}

test("ids are unique, whatever comes in what order", () => {
  const wish = fc.constantFrom("a", "a#1", "a#2", "row-1", "row-2", undefined);
  fc.assert(
    fc.property(fc.array(fc.tuple(wish, fc.boolean()), { maxLength: 12 }), (wishes) => {
      const giveAll = (maxInMemory: number): string[] => {
        const identities = new Identities(maxInMemory);
        try {
          return wishes.map(([id, invalid], index) => {
            const row = (index % 3) + 1;
            if (invalid) return identities.claimForInvalid(id, row);
            if (id === undefined) return identities.derive({ url: "https://a.example/" });
            return identities.claim(id) ? id : identities.claimWithRow(id, row);
          });
        } finally {
          identities.close();
        }
      };
      const given = giveAll(1_000);
      expect(new Set(given).size).toBe(given.length);
      expect(giveAll(3), "moved to disk on the way").toEqual(given);
      expect(giveAll(0), "on disk from the second on").toEqual(given);
    }),
    { numRuns: 200 },
  );
});

test("an id with a row's number stays within the limit", () => {
  const identities = open();
  const id = "x".repeat(200);
  identities.claim(id);
  expect(identities.claimWithRow(id, 17)).toBe(`${"x".repeat(197)}#17`);
});

test("a plan that is read twice gives the same calls with the same ids", async () => {
  const plan = await readFiles({
    "plan.yaml": `
calls:
  - https://a.example/1
  - https://a.example/1
  - { id: mine, url: https://a.example/1 }
from: rows.csv
each: { url: "https://a.example/{{ n }}", body: "{{ b }}" }
`,
    "rows.csv": "n,b\n1,x\n1,x\n2\n2,x\n1,x\n",
  });
  const first = await entriesOf(plan);
  expect(await entriesOf(plan)).toEqual(first);
  const ids = first.map((entry) => ("call" in entry ? entry.call.id : entry.invalid.id));
  expect(new Set(ids).size).toBe(8);
  expect(ids.slice(1, 3)).toEqual([`${ids[0]}-2`, "mine"]);
  expect(ids.slice(4, 6)).toEqual([`${ids[3]}-2`, "row-3"]);
  expect(ids[7]).toBe(`${ids[3]}-3`);
});

test("two readings at a time do not disturb each other", async () => {
  const plan = await readFiles({ "urls.txt": "https://a.example\nhttps://a.example\n" });
  const [first, second] = await Promise.all([callsOf(plan), callsOf(plan)]);
  expect(second).toEqual(first);
});
