import { expect, test } from "vitest";
import { readFiles } from "./plan-files.ts";

const URL_RIGHT = "an absolute URL such as https://api.example.com/items";

/** What a plan's calls and templates say, and what is said of it. */
const CASES: readonly (readonly [name: string, file: string, text: string, said: string])[] = [
  [
    "a URL without scheme",
    "p.yaml",
    "calls: [a.example/x]",
    'p.yaml:1:9 calls[0]: "a.example/x" has no scheme; did you mean https://a.example/x?',
  ],
  [
    "a local URL without scheme",
    "p.yaml",
    "calls: [{url: 'localhost:8080/x'}]",
    'p.yaml:1:10 calls[0].url: "localhost:8080/x" has no scheme; did you mean http://localhost:8080/x?',
  ],
  [
    "another scheme",
    "p.yaml",
    "calls: [ftp://a/x]",
    'p.yaml:1:9 calls[0]: "ftp://a/x" is not allowed; only http:// and https:// can be called',
  ],
  [
    "no valid URL",
    "p.yaml",
    "calls: ['https://a:b/x']",
    `p.yaml:1:9 calls[0]: "https://a:b/x" is no valid URL; ${URL_RIGHT}`,
  ],
  [
    "a password written out",
    "p.yaml",
    "calls: ['https://u:p@a/x']",
    "p.yaml:1:9 calls[0]: a password does not belong in a plan's URL; write ${env:NAME} in its place",
  ],
  [
    "a call that is none",
    "p.yaml",
    "calls: [7]",
    "p.yaml:1:9 calls[0]: 7 is not allowed; a URL, or an object with url",
  ],
  [
    "a call without URL",
    "p.yaml",
    "calls: [{id: a}]",
    `p.yaml:1:9 calls[0].url: is missing; ${URL_RIGHT}`,
  ],
  [
    "a method in lower case",
    "p.yaml",
    "calls: [{url: 'https://a', method: get}]",
    'p.yaml:1:28 calls[0].method: "get" is not allowed; one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
  ],
  [
    "two bodies",
    "p.yaml",
    "calls: [{url: 'https://a', body: x, json: 1}]",
    "p.yaml:1:28 calls[0].body: json and body exclude each other; keep one",
  ],
  [
    "a number that JSON lacks",
    "p.yaml",
    "calls: [{url: 'https://a', json: [.nan]}]",
    "p.yaml:1:28 calls[0].json: NaN is not allowed; JSON has only finite numbers",
  ],
  [
    "a header's name",
    "p.yaml",
    "calls: [{url: 'https://a', headers: {'a b': x}}]",
    'p.yaml:1:38 calls[0].headers["a b"]: "a b" is no header name; letters, digits and !#$%&\'*+-.^_`|~',
  ],
  [
    "a header's line break",
    "p.yaml",
    'defaults: {headers: {a: "x\\r\\ny: z"}}\ncalls: [https://a]',
    "p.yaml:1:22 defaults.headers.a: a header's value may not hold a line break",
  ],
  [
    "a header twice",
    "p.yaml",
    "calls: [{url: 'https://a', headers: {A: x, a: y}}]",
    "p.yaml:1:44 calls[0].headers.a: stands twice; header names ignore case",
  ],
  [
    "a header of the connection",
    "p.yaml",
    "calls: [{url: 'https://a', headers: {Content-Length: 3}}]",
    "p.yaml:1:38 calls[0].headers.Content-Length: this header is set by senpu itself; leave it out",
  ],
  [
    "a store's secret without a name",
    "p.yaml",
    "calls: ['https://a/${secret:/token}']",
    'p.yaml:1:9 calls[0]: "${secret:/token}" names no secret; write ${secret:name} with letters, digits and ._@+=-, parts by /, or ${secret:name#field}',
  ],
  [
    "a reference to nothing",
    "p.yaml",
    "calls: [{url: 'https://a', headers: {a: '${env:}'}}]",
    'p.yaml:1:38 calls[0].headers.a: "${env:}" names no variable; write ${env:NAME} with letters, digits and _',
  ],
  [
    "a reference that is none",
    "p.yaml",
    "calls: [{url: 'https://a', body: 'a${b}'}]",
    'p.yaml:1:28 calls[0].body: "${b}" is no reference; write ${env:NAME}, ${file:/path} or ${secret:name}, or $${ for a plain ${',
  ],
  [
    "an open reference",
    "p.yaml",
    "calls: [{url: 'https://a', json: {a: '${env:A'}}]",
    'p.yaml:1:28 calls[0].json: "${env:A\\"}" names no variable; write ${env:NAME} with letters, digits and _',
  ],
  [
    "a scheme by reference",
    "p.yaml",
    "calls: ['${env:BASE}/x']",
    'p.yaml:1:9 calls[0]: "${env:BASE}/x" has no scheme; write https:// before the reference',
  ],
  [
    "an id twice",
    "p.yaml",
    "calls:\n  - {id: a, url: https://a}\n  - {id: b, url: https://a}\n  - {id: a, url: https://b}",
    'p.yaml:4:6 calls[2].id: id "a" is already used; it stands first at p.yaml:2:6',
  ],
  [
    "an id too long",
    "p.yaml",
    `calls: [{id: ${"x".repeat(201)}, url: https://a}]`,
    "p.yaml:1:10 calls[0].id: the id has 201 characters; at most 200",
  ],
  [
    "an id with a line break",
    "p.yaml",
    'calls: [{id: "a\\nb", url: https://a}]',
    'p.yaml:1:10 calls[0].id: "a\\nb" is not allowed; an id without control characters',
  ],
  [
    "rows without each",
    "p.yaml",
    "from: a.csv",
    "p.yaml:1:1 from: rows need each, which says what call a row makes",
  ],
  [
    "each without rows",
    "p.yaml",
    "each: {url: https://a}",
    "p.yaml:1:1 each: needs from, which names the file of rows",
  ],
  [
    "rows of another kind",
    "p.yaml",
    "from: a.xlsx\neach: {url: https://a}",
    'p.yaml:1:1 from: "a.xlsx" is not allowed; a .csv or .jsonl file, also packed as .csv.gz or .jsonl.gz: a path, s3://bucket/key or an http(s) URL',
  ],
  [
    "an unknown filter",
    "p.yaml",
    "from: a.csv\neach: {url: https://a, json: {n: ['{{ n | nuber }}']}}",
    'p.yaml:2:35 each.json.n[0]: "{{ n | nuber }}": filter "nuber" is not known; did you mean "number"?',
  ],
  [
    "a tag in a template",
    "p.yaml",
    "from: a.csv\neach: {url: https://a, body: \"{% include '/etc/passwd' %}\"}",
    "p.yaml:2:24 each.body: \"{% include '/etc/passwd' %}\": tags are not known; placeholders {{ … }} with filters are",
  ],
  [
    "an open placeholder",
    "p.yaml",
    "from: a.csv\neach: {url: 'https://a/{{ n'}",
    'p.yaml:2:8 each.url: "https://a/{{ n": output "{{ n" not closed',
  ],
  [
    "a field with a space",
    "p.yaml",
    "from: a.csv\neach: {url: 'https://a/{{ first name }}'}",
    'p.yaml:2:8 each.url: "{{ first name }}": a field with a space is written {{ row["first name"] }}',
  ],
  [
    "a placeholder before a path",
    "p.yaml",
    "from: a.csv\neach: {url: '{{ base }}/x'}",
    'p.yaml:2:8 each.url: "{{ base }}/x" must begin with https:// or http://, or be one placeholder',
  ],
  [
    "a placeholder in a key",
    "p.yaml",
    "from: a.csv\neach: {url: 'https://a', json: {'{{ k }}': 1}}",
    'p.yaml:2:26 each.json: "{{ k }}": a placeholder cannot stand in a key',
  ],
];

test.each(CASES)("%s is told", async (_name, file, text, said) => {
  const reading = readFiles({ [file]: text });
  await expect(reading).rejects.toMatchObject({ code: "plan", message: said });
});

test("a header's value is never shown", async () => {
  const message = await readFiles({
    "p.yaml": 'calls: [{url: "https://a", headers: {authorization: "Bearer s3cr3t\\n"}}]',
  }).catch(String);
  expect(message).not.toContain("s3cr3t");
});
