import { describe, expect, test } from "vitest";
import { assign, parseAssignment } from "../../../producer/replay/assignment.ts";
import type { Call } from "../../../shared/model/call.ts";

const post: Call = {
  id: "a",
  method: "POST",
  url: "https://api.example.com/items",
  headers: { accept: "text/plain" },
  json: '{"name":"first","tags":["x"],"big":0.10}',
};

const set = (call: Call, ...texts: string[]): Call => assign(call, texts.map(parseAssignment));

describe("--set", () => {
  test("sets a header among others, names in lower case", () => {
    expect(set(post, "headers.X-Token=${env:TOKEN}=").headers).toEqual({
      accept: "text/plain",
      "x-token": "${env:TOKEN}=",
    });
  });

  test("sets the URL, normalised as a plan's is", () => {
    expect(set(post, "url=HTTPS://Other.example.com").url).toBe("https://other.example.com/");
  });

  test("sets fields of the body: JSON where the value is some, else text", () => {
    const { json } = set(
      post,
      "json.name=second",
      "json.count=3",
      "json.tags.0=y",
      "json.deep.er=true",
    );
    expect(JSON.parse(json ?? "")).toEqual({
      name: "second",
      tags: ["y"],
      big: 0.1,
      count: 3,
      deep: { er: true },
    });
  });

  test("sets method and timeout", () => {
    expect(set(post, "method=PUT", "timeout=2s")).toMatchObject({
      method: "PUT",
      timeoutMs: 2_000,
    });
  });

  test("leaves what it does not name as it was, byte by byte, the key included", () => {
    const call = { ...post, key: "k0" };
    expect(set(call, "timeout=1s")).toEqual({ ...call, timeoutMs: 1_000 });
  });

  test.each(["x", "id=b", "headers=x", "headers.=x", "json..a=1", "json.__proto__=1", "url"])(
    "%s is not understood",
    (text) => {
      expect(() => parseAssignment(text)).toThrow(/--set .* is not understood; --set FIELD=VALUE/);
    },
  );

  test.each([
    ["url=api.example.com", /call "a": url: .* has no scheme/],
    ["headers.connection=close", /headers\.connection: .*set by senpu itself/],
    ["headers.x=a\nb", /headers\.x: .*line break/],
    ["method=FETCH", /method: "FETCH" is not allowed/],
    ["timeout=soon", /timeout: "soon" is not allowed/],
    ["body=text", /body: json and body exclude each other/],
    ["json.name.first=x", /json\.name is "first", which has no "first"/],
    ["json.tags.7=x", /json\.tags is a list of 1; "7" is no place in it/],
  ])("%s breaks the call, and says where", (text, complaint) => {
    expect(() => set(post, text)).toThrow(complaint);
  });
});
