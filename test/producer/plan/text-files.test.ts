import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { callsOf, invalidOf, readFiles } from "./plan-files.ts";

const EACH = `each: { id: "{{ id }}", url: "https://a.example/{{ id }}", body: "{{ name }}" }`;
const ROWS = "id,name\na,テスト\nb,é\n";
const NAMES = ["テスト", "é"];

/** What a plan's rows come to: each call's body. */
async function namesOf(from: string, name: string, rows: string | Buffer): Promise<unknown[]> {
  const plan = await readFiles({ "p.yaml": `from: ${from}\n${EACH}`, [name]: rows });
  return (await callsOf(plan)).map(({ body }) => body);
}

test("gzip is unpacked by how it begins, whatever its name, one member after the other", async () => {
  const members = Buffer.concat([gzipSync("id,name\na,テスト\n"), gzipSync("b,é\n")]);
  expect(await namesOf("rows.csv.gz", "rows.csv.gz", members)).toEqual(NAMES);
  expect(await namesOf("rows.csv", "rows.csv", gzipSync(ROWS))).toEqual(NAMES);
});

test("a list of calls may be packed, too", async () => {
  const plan = await readFiles({ "calls.jsonl.gz": gzipSync('"https://a.example/1"\n{}\n') });
  expect(plan.name).toBe("calls");
  expect(await invalidOf(plan)).toHaveLength(1);
});

test("gzip that is cut off is told with the line where it ends", async () => {
  const lines = Array.from({ length: 3_000 }, (_, n) => `${n},${Math.sin(n)}\n`);
  const packed = gzipSync(`id,name\n${lines.join("")}`);
  const cut = namesOf("r.csv.gz", "r.csv.gz", packed.subarray(0, packed.length >> 1));
  await expect(cut).rejects.toThrow(
    /^p\.yaml:1:1 from: "r\.csv\.gz": its gzip data is cut off in line 1[3-7]\d\d; fetch or write the file anew$/,
  );
});

test("gzip that is damaged is told, and so is a name that promises it in vain", async () => {
  const packed = gzipSync(ROWS);
  packed[packed.length - 6]! ^= 1;
  await expect(namesOf("r.csv.gz", "r.csv.gz", packed)).rejects.toThrow(
    "its gzip data is damaged (incorrect data check), behind line",
  );
  await expect(namesOf("r.csv.gz", "r.csv.gz", ROWS)).rejects.toThrow(
    "its name ends in .gz, and it does not begin as gzip does",
  );
});

test("a small file that unpacks to one vast field is refused before memory holds it", async () => {
  const bomb = gzipSync(Buffer.alloc(40_000_000, "a"), { level: 1 });
  await expect(namesOf("r.csv.gz", "r.csv.gz", bomb)).rejects.toThrow(
    /r\.csv\.gz: a quote is opened and not closed within 16000000 bytes/,
  );
});

const SHIFT_JIS = Buffer.concat([
  Buffer.from("id,name\na,"),
  Buffer.from([0x83, 0x65, 0x83, 0x58, 0x83, 0x67]),
  Buffer.from("\n"),
]);
const UTF_16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(ROWS, "utf16le")]);

test.each([
  ["shift_jis", SHIFT_JIS, ["テスト"]],
  ["utf-16le", UTF_16, NAMES],
  ["latin1", Buffer.from("id,name\na,é\n", "latin1"), ["é"]],
])("rows in %s are read when the plan says so, packed or not", async (encoding, rows, names) => {
  const from = `{ file: rows.csv, encoding: ${encoding} }`;
  expect(await namesOf(from, "rows.csv", rows)).toEqual(names);
  expect(await namesOf(from, "rows.csv", gzipSync(rows))).toEqual(names);
});

test("bytes that are no UTF-8 are told with byte, line and the option", async () => {
  await expect(namesOf("rows.csv", "rows.csv", SHIFT_JIS)).rejects.toThrow(
    "the file is not text: byte 11, in line 2, is 0x83, and not UTF-8; rows are UTF-8 unless from names their encoding: from: { file: rows.csv, encoding: shift_jis }",
  );
  await expect(namesOf("rows.csv", "rows.csv", UTF_16)).rejects.toThrow(
    "it begins with the mark of utf-16le; rows may be that, with encoding: utf-16le beside their file under from",
  );
});

test("the byte is exact behind 300,000 others, and where characters stand across two reads", async () => {
  const good = Buffer.from(`id,name\n${"a,日本語\n".repeat(25_000)}`);
  const bad = Buffer.concat([good, Buffer.from([0xe3, 0x81]), Buffer.from("x\n")]);
  await expect(namesOf("rows.csv", "rows.csv", bad)).rejects.toThrow(
    `byte ${good.length + 1}, in line 25002, is 0xe3, and not UTF-8`,
  );
});

test("bytes that are not in the encoding that was named are told to within 4 KB", async () => {
  const bad = Buffer.concat([SHIFT_JIS, Buffer.from([0x83, 0x0a])]);
  await expect(namesOf("{ file: rows.csv, encoding: shift_jis }", "rows.csv", bad)).rejects.toThrow(
    /something between bytes 1 and 19, from line 1 on, is not shift_jis; from says that it is shift_jis/,
  );
});

test("fields may be parted by another character", async () => {
  const from = '{ file: rows.csv, delimiter: ";" }';
  expect(await namesOf(from, "rows.csv", "id;name\na;x,y\n")).toEqual(["x,y"]);
});

test("a byte order mark is no part of the first column's name", async () => {
  expect(await namesOf("rows.csv", "rows.csv", `\ufeff${ROWS}`)).toEqual(NAMES);
});

test("a field of 10 MB comes through whole", async () => {
  const [name] = await namesOf("rows.csv", "rows.csv", `id,name\na,"${"x\n".repeat(5_000_000)}"\n`);
  expect((name as string).length).toBe(10_000_000);
});
