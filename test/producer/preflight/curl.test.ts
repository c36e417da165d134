import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { firstCalls, toCurl } from "../../../producer/preflight/curl.ts";
import { readFiles } from "../plan/plan-files.ts";

test("a call is a curl line, with the headers that all calls have", () => {
  expect(toCurl({ id: "a", url: "https://api.example.com/items?page=1" })).toBe(
    "curl 'https://api.example.com/items?page=1'",
  );
  const put = {
    id: "a",
    url: "https://api.example.com/1",
    method: "PUT",
    json: '{"n":1}',
  } as const;
  expect(toCurl(put, { accept: "text/plain" })).toBe(
    `curl -X PUT -H 'content-type: application/json' -H 'accept: text/plain' --data-raw '{"n":1}' 'https://api.example.com/1'`,
  );
});

test("a variable stays a variable, and the shell puts its value in", () => {
  const headers = { authorization: "Bearer ${env:CRM_TOKEN}" };
  const line = toCurl({ id: "a", url: "https://api.example.com/${env:PLACE}/it's", headers });
  expect(line).toBe(
    `curl -H 'authorization: Bearer '"$CRM_TOKEN" 'https://api.example.com/'"$PLACE"'/it'\\''s'`,
  );
  const words = execFileSync("sh", ["-c", line.replace("curl", "printf '%s\\n'")], {
    env: { CRM_TOKEN: "to ken", PLACE: "here" },
    encoding: "utf8",
  });
  expect(words.split("\n")).toEqual([
    "-H",
    "authorization: Bearer to ken",
    "https://api.example.com/here/it's",
    "",
  ]);
});

test.each([
  ["a header", { headers: { authorization: "Bearer PLANTED" } }],
  ["a header of an API key", { headers: { "x-api-key": "PLANTED" } }],
  ["a cookie", { headers: { cookie: "sid=PLANTED" } }],
  ["part of a header", { headers: { authorization: "Bearer PLANTED${env:REST}" } }],
  ["a query parameter", { url: "https://api.example.com/?access_token=PLANTED&n=1" }],
  ["a field of JSON", { method: "POST", json: '{"user":{"password":"PLANTED"},"n":[1]}' }],
  ["a reference to a store", { headers: { "x-any": "${secret:PLANTED}" } }],
] as const)("a secret in %s is masked", (_, parts) => {
  const line = toCurl({ id: "a", url: "https://api.example.com/", ...parts });
  expect(line).not.toContain("PLANTED");
  expect(line).toContain("***");
});

test("what is no secret stays as it was written", () => {
  const url = "https://api.example.com/?q=%E9%A2%A8+x&keyword=monkey#top";
  const json = '{"author":"Sei","monkey":1}';
  expect(toCurl({ id: "a", url, method: "POST", json })).toContain(`'${url}'`);
  expect(toCurl({ id: "a", url, method: "POST", json })).toContain(`'${json}'`);
});

test("the first calls are those that can be made, and no more of the plan is read for them", async () => {
  const rows = Array.from({ length: 50 }, (_, n) =>
    n === 0 ? "not a url" : `https://a.example/${n}`,
  );
  const plan = await readFiles({
    "urls.jsonl": rows.map((url) => JSON.stringify({ url })).join("\n"),
  });
  const found = await firstCalls(plan, 2);
  expect(found.map(({ call }) => call.url)).toEqual(["https://a.example/1", "https://a.example/2"]);
});
