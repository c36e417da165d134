import { expect, test } from "vitest";
import { mask } from "../../../producer/report/mask.ts";
import { showText } from "../../../producer/report/show-text.ts";

test.each([
  [
    "https://api.example.com/a?page=2&api_key=abc123",
    "https://api.example.com/a?page=2&api_key=***",
  ],
  ["https://api.example.com/a?apiKey=abc#x", "https://api.example.com/a?apiKey=***#x"],
  ["https://api.example.com/a?key=AIza", "https://api.example.com/a?key=***"],
  [
    "https://api.example.com/a?access_token=t&n=1",
    "https://api.example.com/a?access_token=***&n=1",
  ],
  [
    "https://api.example.com/a?X-Amz-Signature=0a&X-Amz-Date=1",
    "https://api.example.com/a?X-Amz-Signature=***&X-Amz-Date=1",
  ],
  ["https://api.example.com/a?auth%5Fkey=1", "https://api.example.com/a?auth%5Fkey=***"],
  ["https://api.example.com/cb#id_token=ey.J", "https://api.example.com/cb#id_token=***"],
  ["https://user:pa:ss@api.example.com/a", "https://***@api.example.com/a"],
  ["https://token@evil@api.example.com/a", "https://***@api.example.com/a"],
  [
    "HTTP 302: no redirect to https://a.example/?sig=1 is followed",
    "HTTP 302: no redirect to https://a.example/?sig=*** is followed",
  ],
])("%s is shown as %s", (text, shown) => {
  expect(mask(text)).toBe(shown);
});

test.each([
  "https://api.example.com/keys/1?keyword=shoes&page=2&author=b",
  "https://api.example.com/a?token=${env:CRM_TOKEN}",
  "https://api.example.com/a?token=${secret:crm/token}",
  "https://api.example.com/a@b?mail=a@b.example",
])("%s stays as it is", (text) => {
  expect(mask(text)).toBe(text);
});

test("a text of any length and content becomes one short line", () => {
  const shown = showText(
    `https://a.example/\u202e?token=s3cret&x=${"y".repeat(100_000)}\n\u0000end`,
  );
  expect(shown.length).toBeLessThanOrEqual(300);
  expect(shown).toMatch(/^https:\/\/a\.example\/ \?token=\*\*\*&x=y+…y+$/);
});

test("masking takes time in proportion to the text, whatever the text", () => {
  const startedAt = performance.now();
  for (const piece of ["a:", "a://", "?a", "@", "&=", "://@", "%"]) mask(piece.repeat(10_000));
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});
