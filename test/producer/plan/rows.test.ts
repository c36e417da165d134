import { describe, expect, test } from "vitest";
import { appendFileSync, rmSync, writeFileSync } from "node:fs";
import { callsOf, entriesOf, invalidOf, readFiles } from "./plan-files.ts";

const EACH = `each:
  id: "{{ id }}"
  url: "https://a.example/{{ id }}"
  json: { n: "{{ n | number }}" }
`;

function readCsv(rows: string) {
  return readFiles({ "plan.yaml": `from: rows.csv\n${EACH}`, "rows.csv": rows });
}

function readJsonRows(rows: string) {
  return readFiles({ "plan.yaml": `from: rows.jsonl\n${EACH}`, "rows.jsonl": rows });
}

describe("a row that is no call", () => {
  /** The second row is broken; what is said of it, and the id it gets. */
  const CSV: readonly (readonly [name: string, row: string, id: string, said: string])[] = [
    ["a field too few", "b", "row-2", "has 1 field, and the header 2"],
    ["a field too many", "b,2,3", "row-2", "has 3 fields, and the header 2"],
    ["text for a number", "b,two", "b", 'field "n": "two" is not a number'],
    ["nothing for a number", "b,", "b", 'field "n": "" is not a number'],
    [
      "a number too large",
      "b,12345678901234567890",
      "b",
      'field "n": "12345678901234567890" is too large to be kept exactly; leave it text',
    ],
    ["no id", ",2", "row-2", "the id is empty"],
    ["an id that was used", "a,2", "a#2", 'id "a" is already used'],
    [
      "a path that leads elsewhere",
      "..,2",
      "..",
      '{{ id }} is "..", which would lead to another path',
    ],
    [
      "text behind a quote",
      '"b"c,2',
      "row-2",
      'text follows a closing quote; a quote within a field is written ""',
    ],
    [
      "a quote within a field",
      'b"c,2',
      "row-2",
      'a quote stands within a field; the field must be quoted, and the quote written ""',
    ],
  ];

  test.each(CSV)("of CSV, with %s, is told, and the others go on", async (_name, row, id, said) => {
    const entries = await entriesOf(await readCsv(`id,n\na,1\n${row}\nc,3\n`));
    expect(entries).toEqual([
      expect.objectContaining({ call: expect.objectContaining({ id: "a", json: '{"n":1}' }) }),
      { invalid: expect.objectContaining({ id, error: `rows.csv row 2: ${said}` }) },
      expect.objectContaining({ call: expect.objectContaining({ id: "c", json: '{"n":3}' }) }),
    ]);
  });

  const JSON_ROWS: readonly (readonly [name: string, row: string, id: string, said: string])[] = [
    ["a field missing", '{"id":"b"}', "b", 'field "n" is missing'],
    [
      "an object for an id",
      '{"id":{},"n":1}',
      "row-2",
      "{{ id }} is an object where text is needed; the filter json writes it as text",
    ],
    ["broken JSON", '{"id":', "row-2", "broken JSON: Unexpected end of JSON input"],
    ["no object", "[1]", "row-2", "[1] is not allowed; an object by field"],
    [
      "a number too large",
      '{"id":9007199254740993,"n":1}',
      "row-2",
      "the number 9007199254740993 is too large to be kept exactly; write it as text",
    ],
    [
      "a number without end",
      '{"id":"b","n":1e999}',
      "row-2",
      "the number 1e999 is too large to be kept exactly; write it as text",
    ],
    ["an inherited name", '{"id":"b","constructor":1}', "b", 'field "n" is missing'],
  ];

  test.each(JSON_ROWS)(
    "of JSON Lines, with %s, is told, and the others go on",
    async (_name, row, id, said) => {
      const entries = await entriesOf(
        await readJsonRows(`{"id":"a","n":1}\n${row}\n{"id":"c","n":3}`),
      );
      expect(entries).toEqual([
        expect.objectContaining({ call: expect.objectContaining({ id: "a" }) }),
        { invalid: expect.objectContaining({ id, error: `rows.jsonl row 2: ${said}` }) },
        expect.objectContaining({ call: expect.objectContaining({ id: "c" }) }),
      ]);
    },
  );

  test("tells its method, URL and lane as far as they are known", async () => {
    const plan = await readFiles({
      "plan.yaml": `
lanes: { api: { match: "https://a.example/**" } }
from: rows.csv
each: { id: "{{ id }}", method: put, url: "https://a.example/{{ id }}", body: "{{ n | number }}" }
`.replace("put", "PUT"),
      "rows.csv": "id,n\n7,x\n,x\n",
    });
    expect(await invalidOf(plan)).toEqual([
      {
        id: "7",
        lane: "api",
        method: "PUT",
        url: "https://a.example/7",
        error: 'rows.csv row 1: field "n": "x" is not a number',
      },
      {
        id: "row-2",
        lane: "default",
        method: "PUT",
        url: "",
        error: "rows.csv row 2: the id is empty",
      },
    ]);
  });

  test("in a quote that never closes is told as one", async () => {
    const plan = await readCsv('id,n\na,1\n"b,2\nc,3\nd,4\n');
    expect(await invalidOf(plan)).toEqual([
      expect.objectContaining({
        id: "row-2",
        error: "rows.csv row 2: a quote is never closed: all that follows was taken for one field",
      }),
    ]);
  });
});

describe("a line that is no call", () => {
  const LINES: readonly (readonly [line: string, id: string, said: string])[] = [
    [
      '{"id":"b","url":"a.example"}',
      "b",
      'url: "a.example" has no scheme; did you mean https://a.example?',
    ],
    ['{"id":"b"}', "b", "url: is missing; an absolute URL such as https://api.example.com/items"],
    ['{"id":"a","url":"https://a.example"}', "a#2", 'id "a" is already used'],
    [
      '{"url":"https://a.example","metod":"GET"}',
      "row-2",
      "metod: is not known; did you mean method?",
    ],
    ['"b"', "row-2", '"b" has no scheme; did you mean https://b?'],
    ["7", "row-2", "7 is not allowed; a URL, or an object with url"],
    ["null", "row-2", "null is not allowed; a URL, or an object with url"],
    ["{", "row-2", "broken JSON: Expected property name or '}' in JSON at position 1"],
    [
      '{"id":"b","url":"https://a.example/${secret:/x}"}',
      "b",
      'url: "${secret:/x}" names no secret; write ${secret:name} with letters, digits and ._@+=-, parts by /, or ${secret:name#field}',
    ],
  ];

  test.each(LINES)("%s", async (line, id, said) => {
    const first = '{"id":"a","url":"https://a.example"}';
    const plan = await readFiles({ "calls.jsonl": `${first}\n${line}\n"https://a.example/3"\n` });
    const entries = await entriesOf(plan);
    expect(entries).toHaveLength(3);
    expect(entries[1]).toEqual({
      invalid: expect.objectContaining({ id, error: `calls.jsonl line 2: ${said}` }),
    });
  });

  test("of a text file is told with what it says", async () => {
    const plan = await readFiles({ "urls.txt": "https://a.example\nb.example\n" });
    expect(await invalidOf(plan)).toEqual([
      {
        id: "row-2",
        lane: "default",
        method: "GET",
        url: "b.example",
        error: 'urls.txt line 2: "b.example" has no scheme; did you mean https://b.example?',
      },
    ]);
  });

  test("of a million characters and more is told, and not kept", async () => {
    const plan = await readFiles({
      "calls.jsonl": `"https://a.example/${"x".repeat(2_500_000)}"\n"https://a.example/2"\n`,
    });
    expect(await entriesOf(plan)).toEqual([
      {
        invalid: expect.objectContaining({
          error: "calls.jsonl line 1: longer than 1000000 characters",
        }),
      },
      expect.objectContaining({ call: expect.objectContaining({ url: "https://a.example/2" }) }),
    ]);
  });
});

describe("CSV", () => {
  test("may have quotes, line breaks and commas in fields, and no line break at its end", async () => {
    const plan = await readFiles({
      "plan.yaml": 'from: r.csv\neach: { url: "https://a.example/", body: "{{ a }}|{{ b }}" }',
      "r.csv": '\ufeff a , b\r\n"1,\r\n""x""",2\r\n\r\n3,"4"',
    });
    expect((await callsOf(plan)).map(({ body }) => body)).toEqual(['1,\r\n"x"|2', "3|4"]);
  });

  test("gives columns whose names no placeholder can write through row", async () => {
    const plan = await readFiles({
      "plan.yaml": `from: r.csv\neach: { url: "https://a.example/{{ row['First name'] | downcase }}" }`,
      "r.csv": "First name,x\nAnn,1\n",
    });
    expect((await callsOf(plan))[0]?.url).toBe("https://a.example/ann");
  });

  test("with a header alone is a plan of no calls", async () => {
    expect(await entriesOf(await readCsv("id,n\n"))).toEqual([]);
  });
});

test("rows that change after the plan was read end the reading with a word", async () => {
  const plan = await readCsv("id,n\na,1\n");
  const path = plan.source.rows?.path ?? "";
  writeFileSync(path, '"id"x,n\n');
  await expect(entriesOf(plan)).rejects.toMatchObject({ code: "plan" });
  rmSync(path);
  await expect(entriesOf(plan)).rejects.toMatchObject({ code: "plan" });
});

test("a changed file of rows has another digest", async () => {
  const plan = await readCsv("id,n\na,1\n");
  const path = plan.source.rows?.path ?? "";
  appendFileSync(path, "b,2\n");
  const again = await readFiles({ "plan.yaml": `from: ${path}\n${EACH}` });
  expect(again.source.rows?.path).toBe(path);
  expect(again.source.rows?.digest).not.toBe(plan.source.rows?.digest);
});
