import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { CredentialSource } from "../../../consumer/auth/credential-source.ts";
import type { Credentials, Lack } from "../../../consumer/auth/credentials.ts";
import { makeOAuth2 } from "../../../consumer/auth/oauth2-credentials.ts";
import type { OAuth2Policy } from "../../../shared/model/auth.ts";
import type { Policy } from "../../../shared/model/policy.ts";
import { Secrets } from "../../../shared/secrets/secrets.ts";
import { makePolicy } from "../../support/policy.ts";
import { json, startTokenEndpoint } from "../../support/token-endpoint.ts";
import type { TokenEndpoint } from "../../support/token-endpoint.ts";

const SECRET = "planted-client-secret";

let endpoint: TokenEndpoint;
beforeEach(async () => {
  vi.stubEnv("CLIENT_SECRET", SECRET);
  endpoint = await startTokenEndpoint(json({ access_token: "t1", expires_in: 3600 }));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await endpoint.close();
});

function open(more: Partial<OAuth2Policy> = {}): CredentialSource {
  const auth: OAuth2Policy = {
    kind: "oauth2",
    tokenUrl: endpoint.url,
    clientId: "me",
    clientSecret: "${env:CLIENT_SECRET}",
    credentials: "header",
    ...more,
  };
  const secrets = new Secrets([], 60_000);
  return new CredentialSource(
    makeOAuth2(auth, secrets, { allow: ["127.0.0.1"], route: () => undefined }),
  );
}

/** What it gives once it does not fetch any more. */
async function settled(
  source: CredentialSource,
  policy: Policy = makePolicy(),
): Promise<Credentials | Lack> {
  for (;;) {
    const now = Date.now();
    const read = source.read(policy, now);
    if (!("kind" in read) || read.kind !== "coming") return read;
    await new Promise<void>((resolve) => source.onChange(resolve, now));
  }
}

const bearer = (token: string) => ({ header: ["authorization", `Bearer ${token}`] });
const ONE_TRY = { ...makePolicy().retry, attempts: 1 };

describe("a token", () => {
  test("is fetched once, however many calls ask while it is under way", async () => {
    const held = Promise.withResolvers<void>();
    endpoint.answer = (response, request, body) => {
      void held.promise.then(() => json({ access_token: "t1" })(response, request, body));
    };
    const source = open();
    const asked = Array.from({ length: 200 }, () => settled(source));
    await vi.waitFor(() => expect(endpoint.requests).toHaveLength(1));
    held.resolve();
    for (const one of await Promise.all(asked)) expect(one).toMatchObject(bearer("t1"));
    expect(endpoint.requests).toHaveLength(1);
  });

  test("is renewed beside its use before it expires, and not used once it has", async () => {
    const source = open();
    endpoint.answer = json({ access_token: "short", expires_in: 100 });
    const fetchedAt = Date.now();
    expect(await settled(source)).toMatchObject(bearer("short"));
    endpoint.answer = json({ access_token: "next", expires_in: "100" });
    expect(source.read(makePolicy(), fetchedAt + 79_000)).toMatchObject(bearer("short"));
    expect(endpoint.requests).toHaveLength(1);
    expect(source.read(makePolicy(), fetchedAt + 85_000)).toMatchObject(bearer("short"));
    await vi.waitFor(() => expect(endpoint.requests).toHaveLength(2));
    expect(await settled(source)).toMatchObject(bearer("next"));
    const other = open();
    await settled(other);
    expect(other.read(makePolicy(), Date.now() + 99_000)).toEqual({ kind: "coming" });
  });

  test("of one second is fetched anew each second, and never in between", async () => {
    const source = open();
    endpoint.answer = json({ access_token: "s", expires_in: 1 });
    await settled(source);
    const fetchedAt = Date.now();
    for (let i = 0; i < 50; i++) source.read(makePolicy(), fetchedAt + 700);
    expect(endpoint.requests).toHaveLength(1);
  });

  test("that is refused is fetched anew once, for all calls that were refused with it", async () => {
    const source = open();
    const first = (await settled(source)) as Credentials;
    endpoint.answer = json({ access_token: "t2" });
    const now = Date.now();
    for (let i = 0; i < 20; i++) expect(source.renew(first.version, now)).toBe(true);
    expect(await settled(source)).toMatchObject(bearer("t2"));
    expect(source.renew(first.version, now)).toBe(true);
    expect(await settled(source)).toMatchObject(bearer("t2"));
    expect(endpoint.requests).toHaveLength(2);
  });

  test("that was never accepted is not fetched again and again for being refused", async () => {
    const source = open();
    const first = (await settled(source)) as Credentials;
    expect(source.renew(first.version, Date.now())).toBe(true);
    const second = (await settled(source)) as Credentials;
    expect(source.renew(second.version, Date.now())).toBe(false);
    source.accept(second.version);
    expect(source.renew(second.version, Date.now())).toBe(true);
  });

  test("is asked for with id and secret in the body where the plan says so", async () => {
    await settled(open({ credentials: "body", params: { audience: "api" } }));
    const [request] = endpoint.requests;
    expect(request?.authorization).toBeUndefined();
    expect(request?.body).toBe(
      `grant_type=client_credentials&audience=api&client_id=me&client_secret=${SECRET}`,
    );
  });
});

describe("a token endpoint that", () => {
  const host = (): string => endpoint.url;

  test.each([
    ["answers with HTML", "<html>maintenance</html>", "with HTML instead of JSON"],
    ["answers with rubbish", `{"echo":"${SECRET}`, "with something that is no JSON"],
    ["answers with nothing", "", "with nothing"],
    ["answers with a list", "[]", "with JSON that is no object"],
    ["leaves the token out", `{"token":"${SECRET}"}`, "without an access_token"],
    ["gives a token that breaks a header", '{"access_token":"a\\nb"}', "that no header can carry"],
    ["gives another type", '{"access_token":"a","token_type":"mac"}', "other than Bearer"],
    ["gives no lifetime at all", '{"access_token":"a","expires_in":0}', "no number of seconds"],
  ])("%s lets calls wait, and its error says so and quotes nothing", async (_, body, said) => {
    endpoint.answer = (response) => void response.end(body);
    const lack = await settled(open());
    expect(lack).toMatchObject({ kind: "later", error: expect.stringContaining(said) });
    expect(JSON.stringify(lack)).toContain(`no token from ${host()}: it answered 200`);
    expect(JSON.stringify(lack)).not.toContain(SECRET);
  });

  test("is down lets calls wait while the breaker has patience, and then fails them", async () => {
    await endpoint.close();
    const source = open();
    const policy = makePolicy({ retry: ONE_TRY });
    const lack = await settled(source, policy);
    expect(lack).toMatchObject({ kind: "later", error: expect.stringMatching(/ECONNREFUSED/) });
    const { breaker } = policy;
    const late = Date.now() + breaker!.giveUpMs;
    const soon = makePolicy({ retry: ONE_TRY, breaker: null });
    expect(await settled(source, soon)).toMatchObject({ kind: "never", reason: "exhausted" });
    source.read(policy, late);
    await vi.waitFor(() =>
      expect(source.read(policy, Date.now() + breaker!.giveUpMs)).toMatchObject({ kind: "coming" }),
    );
  });

  test("answers 503 with a Retry-After is left alone until then", async () => {
    endpoint.answer = (response) => void response.writeHead(503, { "retry-after": "7" }).end();
    const lack = await settled(open());
    expect(lack).toMatchObject({ kind: "later", error: expect.stringContaining("answered 503") });
    expect((lack as { at: number }).at).toBeGreaterThanOrEqual(Date.now() + 6_000);
  });

  test("refuses the client fails its calls at once, and says with which code", async () => {
    endpoint.answer = json({ error: "invalid_client", error_description: SECRET }, 401);
    expect(await settled(open())).toEqual({
      kind: "never",
      reason: "rejected",
      error: `no token from ${host()}: it answered 401 (invalid_client)`,
    });
  });

  test("was down and is up again serves the calls that waited", async () => {
    const policy = makePolicy();
    const source = open();
    endpoint.answer = json({}, 503);
    expect(await settled(source, policy)).toMatchObject({ kind: "later" });
    endpoint.answer = json({ access_token: "back" });
    await new Promise<void>((resolve) => source.onChange(resolve, Date.now()));
    expect(await settled(source, policy)).toMatchObject(bearer("back"));
  });
});

test("a secret that does not exist fails its calls as invalid, and names it", async () => {
  const lack = await settled(open({ clientSecret: "${env:NOT_THERE_AT_ALL}" }));
  expect(lack).toEqual({
    kind: "never",
    reason: "invalid",
    error: "environment variable NOT_THERE_AT_ALL is not set in the worker",
  });
  expect(endpoint.requests).toHaveLength(0);
});
