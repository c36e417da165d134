import { readFileSync } from "node:fs";
import { parse } from "csv-parse/sync";
import { describe, expect, test } from "vitest";

const SIZES = [
  ["capitals.csv", 193, ["country", "iso2", "capital", "latitude", "longitude"]],
  ["prefectures.csv", 47, ["prefecture", "capital", "latitude", "longitude"]],
] as const;

function read(name: string): Record<string, string>[] {
  const file = new URL(`../../../producer/demo/${name}`, import.meta.url);
  return parse(readFileSync(file), { columns: true });
}

describe.each(SIZES)("%s", (name, count, fields) => {
  const rows = read(name);

  test(`has ${count} places, each once and complete`, () => {
    expect(rows).toHaveLength(count);
    for (const row of rows) expect(Object.keys(row)).toEqual(fields);
    expect(new Set(rows.map((row) => row[fields[0]])).size).toBe(count);
    expect(rows.every((row) => Object.values(row).every((value) => value !== ""))).toBe(true);
  });

  test("has coordinates on this planet, to a tenth of a degree", () => {
    for (const { latitude, longitude } of rows) {
      expect(latitude).toMatch(/^-?\d{1,2}\.\d$/);
      expect(longitude).toMatch(/^-?\d{1,3}\.\d$/);
      expect(Math.abs(Number(latitude))).toBeLessThanOrEqual(90);
      expect(Math.abs(Number(longitude))).toBeLessThanOrEqual(180);
    }
  });
});

test("each country has a code of its own", () => {
  const codes = read("capitals.csv").map((row) => row["iso2"]);
  expect(new Set(codes).size).toBe(193);
  for (const code of codes) expect(code).toMatch(/^[A-Z]{2}$/);
});

test("every prefecture lies in Japan", () => {
  for (const { latitude, longitude } of read("prefectures.csv")) {
    expect(Number(latitude)).toBeGreaterThan(26);
    expect(Number(latitude)).toBeLessThan(44);
    expect(Number(longitude)).toBeGreaterThan(127);
    expect(Number(longitude)).toBeLessThan(142);
  }
});
