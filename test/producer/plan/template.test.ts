import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseJsonTemplate, renderJson } from "../../../producer/plan/json-template.ts";
import { parseTemplate, renderTemplate } from "../../../producer/plan/template.ts";
import { parseUrlTemplate, renderUrl } from "../../../producer/plan/url-template.ts";
import { renderRow } from "./plan-files.ts";

/** What the worker does with a text, its environment holding what a test says. */
function resolve(text: string, environment: Readonly<Record<string, string>> = {}): string {
  return text.replaceAll(/\$\$\{|\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}/g, (_found, name?: string) =>
    name === undefined ? "${" : (environment[name] ?? `<${name} REACHED>`),
  );
}

const URL_OF = { url: "https://a.example/" };

function failOnFault(fault: Error): never {
  throw fault;
}

describe("values", () => {
  test("a placeholder that is a whole JSON value keeps the row's type", async () => {
    const json = { a: "{{ v }}", list: ["{{ v }}", "{{ n }}"], text: "v={{ n }}" };
    const { call } = await renderRow({ ...URL_OF, json }, { v: { x: [1, true] }, n: null });
    expect(JSON.parse(call?.json ?? "")).toEqual({
      a: { x: [1, true] },
      list: [{ x: [1, true] }, null],
      text: "v=",
    });
  });

  const FILTERS: readonly (readonly [template: string, value: unknown, rendered: unknown])[] = [
    ["{{ v | bool }}", "TRUE", true],
    ["{{ v | bool }}", " no ", false],
    ["{{ v | bool }}", 1, true],
    ["{{ v | number }}", " -1.5e3 ", -1_500],
    ["{{ v | number }}", 7, 7],
    ["{{ v | upcase | append: '!' }}", "a", "A!"],
    ['{{ v | default: "none" }}', "", "none"],
    ['{{ other | default: "none" }}', "x", "none"],
    ["{{ v | default: 0 | number }}", "", 0],
    ["{{ v.a[1].b }}", { a: [0, { b: "deep" }] }, "deep"],
    ["{{ v | json }}", { a: 1 }, '{"a":1}'],
    ["{{ v | split: ';' }}", "a;b", ["a", "b"]],
    ["{{ v | date: '%Y' }}", "2020-06-01T00:00:00Z", "2020"],
    ['{{ "{{" }}', "", "{{"],
    ["{{- v -}}", "a", "a"],
    ["{{ row.v }}", "a", "a"],
  ];

  test.each(FILTERS)("%s of %j is %j", async (template, value, rendered) => {
    const { call } = await renderRow({ ...URL_OF, json: { value: template } }, { v: value });
    expect(JSON.parse(call?.json ?? "")).toEqual({ value: rendered });
  });

  const REFUSED: readonly (readonly [template: string, value: unknown, said: string])[] = [
    ["{{ w }}", 1, 'field "w" is missing'],
    ["{{ v.a }}", {}, 'field "v.a" is missing'],
    ["{{ constructor }}", 1, 'field "constructor" is missing'],
    ["{{ __proto__ }}", 1, 'field "__proto__" is missing'],
    ["{{ v.constructor }}", {}, 'field "v.constructor" is missing'],
    [
      "{{ v | bool }}",
      "maybe",
      'field "v": "maybe" is neither true nor false; true, yes, on, 1 or false, no, off, 0',
    ],
    ["{{ v | number }}", "0x10", 'field "v": "0x10" is not a number'],
    ["{{ v | upcase | number }}", "a", '{{ v | upcase | number }}: "A" is not a number'],
    ["x{{ v }}", [1], "{{ v }} is a list where text is needed; the filter json writes it as text"],
    [
      "{{ 'now' | date: '%s' }}",
      1,
      `{{ 'now' | date: '%s' }}: "now" would give other calls each time the plan is read`,
    ],
  ];

  test.each(REFUSED)("%s of %j is refused", async (template, value, said) => {
    const { error } = await renderRow({ ...URL_OF, json: { value: template } }, { v: value });
    expect(error).toBe(`rows.jsonl row 1: ${said}`);
  });
});

describe("URLs", () => {
  const URLS: readonly (readonly [template: string, value: unknown, url: string])[] = [
    ["https://a.example/x/{{ v }}", "a/b?c#d e", "https://a.example/x/a%2Fb%3Fc%23d%20e"],
    ["https://a.example/x/{{ v }}", "ü", "https://a.example/x/%C3%BC"],
    ["https://a.example/?q={{ v }}&r=1", "a&b=c#+", "https://a.example/?q=a%26b%3Dc%23%2B&r=1"],
    ["https://a.example/?q={{ v }}", "", "https://a.example/?q="],
    ["https://a.example/{{ v }}", "${env:HOME}", "https://a.example/%24%7Benv%3AHOME%7D"],
    ["https://a.example/?q={{ v }}", "${env:HOME}", "https://a.example/?q=%24%7Benv%3AHOME%7D"],
    ["https://a.example/?q=${{ v }}", "{env:HOME}", "https://a.example/?q=$%7Benv%3AHOME%7D"],
    ["https://{{ v }}/x", "b.example:8080", "https://b.example:8080/x"],
    ["https://{{ v }}.example/x", "Tenant-1", "https://tenant-1.example/x"],
    ["https://a.example:{{ v }}/x", 8080, "https://a.example:8080/x"],
    ["{{ v }}", "https://b.example/a b?c=1#d", "https://b.example/a%20b?c=1"],
    ["{{ v }}", "https://b.example/?q=${env:HOME}", "https://b.example/?q=$%7Benv:HOME}"],
    [
      "https://a.example/${env:PATH_KEY}/{{ v }}?k=${env:KEY}",
      "1",
      "https://a.example/${env:PATH_KEY}/1?k=${env:KEY}",
    ],
    ["https://${env:HOST}/{{ v }}", "1", "https://${env:HOST}/1"],
    ["https://a.example/$${x}/{{ v }}", "1", "https://a.example/$%7Bx%7D/1"],
  ];

  test.each(URLS)("%s with %j is %s", async (url, value, rendered) => {
    expect((await renderRow({ url }, { v: value })).call?.url).toBe(rendered);
  });

  const REFUSED: readonly (readonly [template: string, value: unknown, said: string])[] = [
    ["https://a.example/{{ v }}", "", '{{ v }} is "", which would lead to another path'],
    ["https://a.example/x/{{ v }}/y", "..", '{{ v }} is "..", which would lead to another path'],
    ["https://a.example/{{ v }}", "\ud800", '{{ v }} is "\\ud800", which is no well-formed text'],
    ["https://{{ v }}/x", "evil.example/y?", '{{ v }} is "evil.example/y?", which is no host name'],
    [
      "https://{{ v }}.a.example/x",
      "evil.example#",
      '{{ v }} is "evil.example#", which is no host name',
    ],
    ["https://{{ v }}.a.example/x", "u@evil", '{{ v }} is "u@evil", which is no host name'],
    ["https://{{ v }}/", "", '{{ v }} is "", which is no host name'],
    ["{{ v }}", "b.example/x", '"b.example/x" has no scheme; did you mean https://b.example/x?'],
    [
      "{{ v }}",
      "file:///etc/passwd",
      '"file:///etc/passwd" is not allowed; only http:// and https:// can be called',
    ],
    [
      "{{ v }}",
      "https://${env:HOST}/",
      '"https://${env:HOST}/" is no valid URL; an absolute URL such as https://api.example.com/items',
    ],
    [
      "{{ v }}",
      "https://a.example/\nx",
      '"https://a.example/\\nx" holds a control character; an absolute URL such as https://api.example.com/items',
    ],
  ];

  test.each(REFUSED)("%s with %j is refused", async (url, value, said) => {
    expect((await renderRow({ url }, { v: value })).error).toBe(`rows.jsonl row 1: ${said}`);
  });

  test("any text in a path or a query comes out as it went in, and changes nothing else", () => {
    const template = parseUrlTemplate("https://a.example/x/{{ p }}/y?q={{ q }}&z=1");
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "binary" }), (p, q) => {
        fc.pre(!["", ".", ".."].includes(p));
        const text = renderUrl(template, { p, q });
        const url = new URL(resolve(text));
        expect(resolve(text)).toBe(text);
        expect(url.origin).toBe("https://a.example");
        expect(decodeURIComponent(url.pathname)).toBe(`/x/${p}/y`);
        expect([...url.searchParams]).toEqual([
          ["q", q],
          ["z", "1"],
        ]);
      }),
    );
  });
});

describe("headers and methods", () => {
  test("a header takes a row's value, but no line break", async () => {
    const headers = { "X-Name": "n={{ v }}" };
    expect((await renderRow({ ...URL_OF, headers }, { v: "é ${env:A}" })).call?.headers).toEqual({
      "x-name": "n=é $${env:A}",
    });
    for (const v of ["a\r\nx-admin: 1", "a\nb", "a\rb"]) {
      expect((await renderRow({ ...URL_OF, headers }, { v })).error).toBe(
        "rows.jsonl row 1: headers.x-name: a header's value may not hold a line break",
      );
    }
    expect((await renderRow({ ...URL_OF, headers }, { v: "日" })).error).toMatch(
      /only visible Latin-1/,
    );
  });

  test("a method may come from the row, in any case", async () => {
    const each = { ...URL_OF, method: "{{ v }}" };
    expect((await renderRow(each, { v: "delete" })).call?.method).toBe("DELETE");
    expect((await renderRow(each, { v: "get" })).call).not.toHaveProperty("method");
    expect((await renderRow(each, { v: "drop" })).error).toBe(
      'rows.jsonl row 1: method: "DROP" is not allowed; one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
    );
  });
});

describe("references to the worker's environment", () => {
  const HOSTILE = fc.array(
    fc.constantFrom("$", "{", "}", "${", "$${", "env:A", "${env:A}", "\\", '"', "x"),
    {
      maxLength: 6,
    },
  );
  const TEXT = HOSTILE.map((parts) => parts.join(""));
  /** Text that a plan may hold: no `{{`, no `${` but references. */
  const PLAN_TEXT = fc.constantFrom("", "$", "{", "{env:A}", "$${", "-", "$-", "}", "x$", "$$");

  test("in a body, rows never reach it, and every value comes out as it went in", () => {
    fc.assert(
      fc.property(PLAN_TEXT, TEXT, PLAN_TEXT, TEXT, PLAN_TEXT, (a, v, b, w, c) => {
        // `{{{` is no placeholder to Liquid.
        fc.pre(!b.endsWith("{"));
        const template = parseTemplate(`${a} {{ v }}${b}{{ w }}${c}`);
        expect(template.filter((piece) => typeof piece === "object")).toHaveLength(2);
        let rendered: string;
        try {
          rendered = renderTemplate(template, { v, w });
        } catch (error) {
          expect(String(error)).toMatch(/stands directly before/);
          return;
        }
        expect(resolve(rendered)).toBe(`${resolve(a)} ${v}${resolve(b)}${w}${resolve(c)}`);
      }),
      { numRuns: 2_000 },
    );
  });

  test("in JSON, rows never reach it, and every value comes out as it went in", () => {
    const template = parseJsonTemplate(
      { whole: "{{ v }}", part: "$${{ v }}{{ w }}{env:A}", list: ["{{ w }}", "${env:B}"] },
      failOnFault,
    );
    fc.assert(
      fc.property(fc.oneof(TEXT, fc.string({ unit: "binary" })), TEXT, (v, w) => {
        const json = resolve(renderJson(template, { v, w }), { B: "resolved" });
        expect(JSON.parse(json)).toEqual({
          whole: v,
          part: `$$${v}${w}{env:A}`,
          list: [w, "resolved"],
        });
      }),
    );
  });

  test("in JSON, a whole value of any kind comes out as it went in", () => {
    const template = parseJsonTemplate(["{{ v }}"], failOnFault);
    const value = fc.jsonValue({ stringUnit: TEXT });
    fc.assert(
      fc.property(value, (v) => {
        expect(JSON.parse(resolve(renderJson(template, { v })))).toEqual(
          JSON.parse(JSON.stringify([v])),
        );
      }),
    );
  });

  test("a value that would swallow the plan's own reference makes the row invalid", async () => {
    const each = { ...URL_OF, body: "{{ v }}${env:A}" };
    expect((await renderRow(each, { v: "a" })).call?.body).toBe("a${env:A}");
    expect((await renderRow(each, { v: "a$" })).error).toBe(
      'rows.jsonl row 1: a "$" stands directly before a reference; put something between them',
    );
  });
});
