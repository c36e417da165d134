import { describe, expect, test } from "vitest";
import { planFromObject } from "../../../producer/plan/read.ts";
import type { PlanInput } from "../../../producer/plan/schema.ts";
import { planJsonSchema } from "../../../producer/plan/schema.ts";
import { lanePolicy } from "../../../producer/publish/lane-policy.ts";

const CALL = "https://api.example.com/";

const read = (plan: PlanInput) => planFromObject({ calls: [CALL], ...plan }, { baseDir: "/" });

/** The error of a plan whose calls all have this `auth`, which types would not allow. */
async function errorOf(auth: unknown, more: object = {}): Promise<string> {
  const plan = { ...more, defaults: { auth, ...(more as PlanInput).defaults } } as PlanInput;
  return read(plan).then(
    () => "none",
    (error: Error) => error.message,
  );
}

describe("auth in a plan", () => {
  test("of a lane holds over that for all calls, and none takes it away", async () => {
    const plan = await read({
      defaults: { auth: { bearer: "${secret:all}" } },
      lanes: {
        keyed: { match: "https://a/**", auth: { apiKey: { header: "X-Key", value: "${env:K}" } } },
        open: { match: "https://b/**", auth: "none" },
        plain: { match: "https://c/**" },
      },
    });
    const all = { kind: "bearer", token: "${secret:all}" };
    const of = (name: string) =>
      lanePolicy(
        plan.policy,
        plan.lanes.find((lane) => lane.name === name)!,
      ).auth;
    expect(of("plain")).toEqual(all);
    expect(of("default")).toEqual(all);
    expect(of("open")).toBeUndefined();
    const keyed = { kind: "apiKey", in: "header", name: "x-key", value: "${env:K}" };
    expect(of("keyed")).toEqual(keyed);
    expect(plan.secrets).toEqual(["secret:all", "env:K"]);
  });

  test("holds references, and a secret that is written out is refused and not shown", async () => {
    const planted = "planted-secret-1234";
    const wrong: unknown[] = [
      planted,
      { bearer: planted },
      { bearer: 1234567890123 },
      { basic: `me:${planted}` },
      { basic: { username: "me", password: planted } },
      { apiKey: { query: "k", value: planted } },
      { apiKey: planted },
      { oauth2: { tokenUrl: `https://u:${planted}@x/`, clientId: "a", clientSecret: planted } },
      [planted],
    ];
    for (const auth of wrong) {
      const message = await errorOf(auth);
      expect(message).toMatch(/^plan[ :].*defaults\.auth/);
      expect(message).not.toMatch(/planted|1234/);
    }
    const proxied = await read({ proxy: `http://me:${planted}@proxy:3128` }).catch(String);
    expect(proxied).toContain("a password does not belong");
    expect(proxied).not.toContain(planted);
  });

  test("says where it is wrong, and what would be right", async () => {
    expect(await errorOf({ baerer: "${env:T}" })).toContain("did you mean bearer?");
    expect(await errorOf({})).toContain("is empty; one of bearer, basic, apiKey, oauth2 and sigv4");
    expect(
      await errorOf({ bearer: "${env:T}", sigv4: { service: "es", region: "eu-west-1" } }),
    ).toContain("has several");
    expect(await errorOf({ apiKey: { value: "${env:T}" } })).toContain("give header or query");
    expect(await errorOf({ bearer: "${secret:../x}" })).toContain("names no secret");
    expect(
      await errorOf({ bearer: "${env:T}" }, { defaults: { headers: { authorization: "x" } } }),
    ).toContain("sets the header authorization, and so do defaults.headers; keep one");
  });

  test("is in the JSON Schema, for all calls and for lanes", () => {
    const schema = JSON.stringify(planJsonSchema());
    expect(schema.split('"tokenUrl"').length).toBeGreaterThan(2);
    expect(schema).toContain('"proxy"');
  });
});
