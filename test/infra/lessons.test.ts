import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { FUNCTIONS } from "../../infra/bundle/functions.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TABLE = join(ROOT, "infra/lessons.md");
const LESSONS = Array.from({ length: 14 }, (_, index) => `L${index + 1}`);

interface Row {
  readonly lesson: string;
  readonly what: string;
  readonly files: readonly string[];
  readonly tests: readonly string[];
}

const rows: readonly Row[] = readFileSync(TABLE, "utf8")
  .split("\n")
  .filter((line) => /^\| L\d/.test(line))
  .map((line) => {
    const [, lesson = "", what = "", files = "", tests = ""] = line.split(/ ?\| ?/);
    return { lesson, what, files: linksOf(files), tests: linksOf(tests) };
  });

/** Absolute paths of what a cell links to. */
function linksOf(cell: string): string[] {
  return [...cell.matchAll(/\]\(([^)]+)\)/g)].map(([, path = ""]) => resolve(dirname(TABLE), path));
}

/** Does a test's title name the lesson? `"L5: …"`, or `"… (L5)"`. */
function names(source: string, lesson: string): boolean {
  return new RegExp(`"${lesson}: [^"\\n]+"|"[^"\\n]+ \\(${lesson}\\)"`).test(source);
}

test("the table has every lesson once, in order, with what happened", () => {
  expect(rows.map(({ lesson }) => lesson)).toEqual(LESSONS);
  for (const { what } of rows) expect(what).toMatch(/^[A-Z].{20,}\.$/);
});

test.each(rows)("$lesson's files are there, and its tests name it", ({ lesson, files, tests }) => {
  expect(files).not.toEqual([]);
  expect(tests).not.toEqual([]);
  for (const path of [...files, ...tests]) expect(existsSync(path), path).toBe(true);
  for (const path of tests) {
    const where = relative(ROOT, path);
    expect(where).toMatch(/^test\/.*\.test\.ts$/);
    expect(names(readFileSync(path, "utf8"), lesson), `${where} names no ${lesson}`).toBe(true);
  }
});

test("a test that does not name its lesson would be found", () => {
  const title = (text: string): string => `test("${text}", () => {});`;
  expect(names(title("L5: viewers come by IPv6"), "L5")).toBe(true);
  expect(names(title("viewers come by IPv6 (L5)"), "L5")).toBe(true);
  for (const other of ["viewers come by IPv6", "L50: viewers", "viewers (L15)", "as L5 says"]) {
    expect(names(title(other), "L5")).toBe(false);
  }
});

test("L12: one app deploys everything, and no other tool's files lie about", () => {
  const cdk = JSON.parse(readFileSync(join(ROOT, "cdk.json"), "utf8")) as { app: string };
  expect(cdk.app).toMatch(/\binfra\/app\.ts$/);
  const others = /^(serverless\.(ya?ml|ts|js|json)|samconfig\.toml|Pulumi\.yaml|.*\.(tf|bicep))$/;
  expect(filesBelow(ROOT).filter((path) => others.test(path.split("/").at(-1) ?? ""))).toEqual([]);
});

test("L12: every Lambda entry point is one of the functions that are bundled", () => {
  const entries = ["producer", "consumer", "infra"].flatMap((side) =>
    readdirSync(join(ROOT, side, "entries"))
      .filter((name) => name.startsWith("lambda-"))
      .map((name) => `${side}/entries/${name}`),
  );
  expect(entries.sort()).toEqual(
    Object.values(FUNCTIONS)
      .map(({ entry }) => entry as string)
      .sort(),
  );
});

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (["node_modules", "dist", ".git", ".senpu"].includes(entry.name)) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}
