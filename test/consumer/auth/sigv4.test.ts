import { createHash, createHmac } from "node:crypto";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { makeSigV4 } from "../../../consumer/auth/sigv4-credentials.ts";
import { HttpClient } from "../../../consumer/execute/http-client.ts";
import { buildRequest } from "../../../consumer/execute/request.ts";
import type { Call } from "../../../shared/model/call.ts";
import { startMisbehavingServer } from "../../support/misbehaving-server.ts";
import type { LoggedRequest, MisbehavingServer } from "../../support/misbehaving-server.ts";

const KEY_ID = "AKIDEXAMPLE";
const SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

let server: MisbehavingServer;
const http = new HttpClient();
beforeEach(async () => {
  server = await startMisbehavingServer();
  vi.stubEnv("AWS_ACCESS_KEY_ID", KEY_ID);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", SECRET);
  vi.stubEnv("AWS_SESSION_TOKEN", "session-token");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await http.close();
  await server.close();
});

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const hmac = (key: string | Buffer, text: string): Buffer =>
  createHmac("sha256", key).update(text).digest();

/** All but RFC 3986's unreserved characters. */
const encode = (text: string): string =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/** What the signature must be, from what reached the server and the secret alone (AWS reference, "Create a signed request"). */
function recompute({ method, path, headers, body }: LoggedRequest): {
  expected: string;
  found: string | undefined;
} {
  const authorization = headers["authorization"] ?? "";
  const [, date, region, service] = /Credential=[^/]+\/(\d+)\/([^/]+)\/([^/]+)\//.exec(
    authorization,
  )!;
  const names = /SignedHeaders=([^,]+)/.exec(authorization)![1]!.split(";");
  const [rawPath = "", rawQuery = ""] = path.split("?");
  const canonical = [
    method,
    rawPath.split("/").map(encode).join("/"),
    rawQuery.split("&").toSorted().join("&"),
    ...names.map((name) => `${name}:${headers[name]!.trim().replaceAll(/ +/g, " ")}`),
    "",
    names.join(";"),
    sha256(body),
  ].join("\n");
  const scope = `${date}/${region}/${service}/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, sha256(canonical)].join("\n");
  const key = [date!, region!, service!, "aws4_request"].reduce(
    (made: string | Buffer, part) => hmac(made, part),
    `AWS4${SECRET}`,
  );
  return {
    expected: hmac(key, toSign).toString("hex"),
    found: /Signature=([0-9a-f]+)/.exec(authorization)?.[1],
  };
}

test.each<[string, Omit<Call, "id" | "url">, string]>([
  ["a GET with a query out of order", {}, "/ok/a%20b?z=1&a=2&a=1&sp=x%20y"],
  ["a POST with JSON", { method: "POST", json: '{"a":"ä"}' }, "/ok/items"],
  ["a path with characters that are encoded once more", {}, "/ok/%E6%97%A5*(x)!?q=%2Bplus"],
])("%s carries the signature that its receiver computes", async (_, call, path) => {
  const maker = makeSigV4({ kind: "sigv4", service: "execute-api", region: "ap-northeast-1" });
  const { value } = await maker.fetch(false);
  const request = buildRequest(
    { id: "a", url: new URL(server.url + path).href, ...call },
    "run",
    { headers: { "x-of-plan": "1" } },
    ["user-agent", "senpu", "x-of-plan", "1"],
    { credentials: value },
  );
  const signed = await value.sign!(request);
  await new Promise((resolve) => http.start(signed, http.pools(["127.0.0.1"]), 10_000, 0, resolve));
  const [seen] = server.requests;
  expect(seen!.headers["x-amz-security-token"]).toBe("session-token");
  expect(seen!.headers["authorization"]).toContain(`Credential=${KEY_ID}/`);
  const { expected, found } = recompute(seen!);
  expect(found).toBe(expected);
  expect(JSON.stringify(seen)).not.toContain(SECRET);
});
