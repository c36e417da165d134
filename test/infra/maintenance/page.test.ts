import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { MAX_BODY_BYTES, readMaintenancePage } from "../../../infra/maintenance/page.ts";
import { makeFolder } from "../../support/command-line.ts";

const page = readMaintenancePage();

test("L3: the page fits into AWS WAF's response, and into a synthesis only if it does", () => {
  expect(Buffer.byteLength(page)).toBeLessThanOrEqual(MAX_BODY_BYTES);
  const path = join(makeFolder(), "page.html");
  writeFileSync(path, "中".repeat(1_366));
  expect(() => readMaintenancePage(path)).toThrow(
    /page\.html has 4098 bytes; AWS WAF takes at most 4096/,
  );
});

test("the page says it in English and in Japanese, each marked as such", () => {
  const [, english, japanese] =
    /<section lang="en">(.*)<\/section>\s*<section lang="ja">(.*)<\/section>/s.exec(page) ?? [];
  expect(english).toMatch(/<h1>[\x20-\x7e]+<\/h1>/);
  expect(japanese).toMatch(/<h1>[\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Han}ー]+<\/h1>/u);
});

test("the page asks for nothing else, which would be answered by the page again", () => {
  expect(page).not.toMatch(/\b(src|href|action)=|url\(|@import|<script/i);
});

test("the page can be read by everyone: language, title, size of the window, both colour schemes", () => {
  for (const needed of ['<html lang="en">', "<title>", 'name="viewport"', "<main>", "light dark"]) {
    expect(page).toContain(needed);
  }
});
