import { describe, expect, test } from "vitest";
import { parseUrlTemplate, renderUrl } from "../../../producer/plan/url-template.ts";
import { entriesOf, invalidOf, readFiles } from "./plan-files.ts";

/** What a row's field may change of a call, and what it may not. */

/** Values that mean something in a URL, or did to some parser once. */
const HOSTILE = [
  "../admin",
  "..",
  ".",
  "%2e%2e",
  "..%2fadmin",
  "..\\admin",
  "/admin",
  "//evil.example",
  "\\\\evil.example",
  "@evil.example",
  "a@evil.example",
  ":pw@evil.example",
  ":8080",
  "?admin=1",
  "&admin=1",
  "#x",
  ";admin",
  "https://evil.example",
  "javascript:alert(1)",
  "a\r\nx-evil: 1",
  "a\nb",
  "a\0b",
  "a\tb",
  "a b",
  "č",
  "。。",
  "．．／",
  "\u2028",
  "嘊嘍x-evil",
  "${env:HOME}",
  "$${env:HOME}",
  "{{ other }}",
  "%00",
  "%0d%0ax-evil:1",
  " ",
  "\ud800",
  "",
];

function render(url: string, row: object): URL | undefined {
  try {
    return new URL(renderUrl(parseUrlTemplate(url), { ...row }));
  } catch (error) {
    expect((error as Error).constructor.name).toBe("Fault");
    return undefined;
  }
}

describe.each(HOSTILE)("the value %j", (v) => {
  test("in the path stays one segment of it, or its row is invalid", () => {
    const url = render("https://api.example/items/{{ v }}/details?of=1", { v });
    if (url === undefined) return;
    expect(url.origin).toBe("https://api.example");
    expect(url.username).toBe("");
    const [, items, segment, details, ...more] = url.pathname.split("/");
    expect([items, details, more]).toEqual(["items", "details", []]);
    expect(decodeURIComponent(segment!)).toBe(v);
    expect(url.search).toBe("?of=1");
    expect(url.hash).toBe("");
  });

  test("in the query stays one value of it", () => {
    const url = render("https://api.example/items?q={{ v }}&last=1", { v });
    if (url === undefined) return expect(v).toBe("\ud800");
    expect(url.origin + url.pathname).toBe("https://api.example/items");
    expect([...url.searchParams.keys()]).toEqual(["q", "last"]);
    expect(url.searchParams.get("q")).toBe(v);
    expect(url.hash).toBe("");
  });

  test("in the host stays within the domain that the plan has written behind it", () => {
    const url = render("https://{{ v }}.api.example/items", { v });
    if (url === undefined) return;
    expect(url.hostname.endsWith(".api.example")).toBe(true);
    expect([url.username, url.port, url.pathname, url.search]).toEqual(["", "", "/items", ""]);
  });

  test("as the whole URL is http: or https:, without user and password", () => {
    const url = render("{{ v }}", { v });
    if (url === undefined) return;
    expect(url.href).toBe("https://evil.example/");
  });
});

test("whatever stands in a header's value ends no line, or its row is invalid", async () => {
  const each = { url: "https://api.example/", headers: { "x-of": "a{{ v }}b" } };
  const plan = await readFiles({
    "plan.json": JSON.stringify({ from: "rows.jsonl", each }),
    "rows.jsonl": HOSTILE.map((v) => `${JSON.stringify({ v })}\n`).join(""),
  });
  const entries = await entriesOf(plan);
  expect(entries).toHaveLength(HOSTILE.length);
  for (const [index, entry] of entries.entries()) {
    const isSafe = /^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(HOSTILE[index]!);
    if ("invalid" in entry) {
      expect(isSafe).toBe(false);
      expect(entry.invalid.error).toContain("headers.x-of: a header's value may");
    } else {
      expect(isSafe).toBe(true);
      const escaped = HOSTILE[index]!.replaceAll("${", () => "$${");
      expect(entry.call.headers).toEqual({ "x-of": `a${escaped}b` });
    }
  }
});

test.each([
  ["https://api.example/{{ a }}{{ b }}/x", { a: ".", b: "." }],
  ["https://api.example/x/.{{ a }}", { a: "." }],
  ["https://api.example/x/{{ a }}.", { a: "." }],
  ["https://api.example/x/%2e{{ a }}/y", { a: "." }],
  ["https://api.example/x/{{ a }}%2E", { a: "." }],
  ["https://api.example/x\\.{{ a }}\\y", { a: "." }],
])("%s: dots of which none leads elsewhere by itself do not together", (url, row) => {
  expect(render(url, row)).toBeUndefined();
});

test("dots that lead nowhere else are a part of names", () => {
  const of = (url: string, row: object): string => renderUrl(parseUrlTemplate(url), { ...row });
  expect(of("https://a.example/x/../{{ v }}.json", { v: "a..b" })).toBe(
    "https://a.example/a..b.json",
  );
  expect(of("https://a.example/{{ v }}", { v: "..." })).toBe("https://a.example/...");
  expect(of("https://a.example/x?p={{ v }}", { v: "../.." })).toBe("https://a.example/x?p=..%2F..");
});

test.each([
  "https://api.example{{ path }}",
  "https://api.example{{ path }}/items",
  "https://api.example:80{{ port }}/",
  "https://{{ tenant }}.api.example{{ path }}",
  "https://${env:HOST}{{ path }}",
])("%s is a mistake of the plan: a row could make it another host", (url) => {
  expect(() => parseUrlTemplate(url)).toThrow(
    /would make the host's name longer; write a \/ before/,
  );
});

test.each([
  ["https://api.example:{{ v }}/", "8080", "https://api.example:8080/"],
  ["https://{{ v }}/", "other.example", "https://other.example/"],
  ["https://api-{{ v }}.example/", "2", "https://api-2.example/"],
  ["https://api-{{ v }}/", "2.example", "https://api-2.example/"],
])("%s says itself that a row decides of the host", (url, v, called) => {
  expect(renderUrl(parseUrlTemplate(url), { v })).toBe(called);
});

test("rows allow nothing: neither a column nor a field of a call opens an address", async () => {
  const calls = '{"url":"http://10.0.0.1/","allow":["10.0.0.1"]}\n';
  const lines = await readFiles({ "p.jsonl": calls });
  expect(lines.policy.allow).toEqual([]);
  expect(await invalidOf(lines)).toMatchObject([{ error: expect.stringContaining("allow") }]);
  const rows = await readFiles({
    "p.yaml": 'from: r.csv\neach: { url: "{{ url }}" }\n',
    "r.csv": "url,allow\nhttp://10.0.0.1/,10.0.0.1\n",
  });
  expect(rows.policy.allow).toEqual([]);
});
