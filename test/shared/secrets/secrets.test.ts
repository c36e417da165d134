import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import { openSecrets } from "../../../shared/secrets/open.ts";
import { checkReferences, namesIn } from "../../../shared/secrets/references.ts";
import type { SecretSource } from "../../../shared/secrets/secret-source.ts";
import { Secrets } from "../../../shared/secrets/secrets.ts";

const folder = mkdtempSync(join(tmpdir(), "senpu-secrets-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const HOUR_MS = 3_600_000;

/** A store that counts what it is asked, and answers when it is told to. */
function countingStore(values: Record<string, string | undefined>) {
  const asked: string[] = [];
  const held: (() => void)[] = [];
  let holds = false;
  const source: SecretSource = {
    read: async (name) => {
      asked.push(name);
      if (holds) await new Promise<void>((resolve) => held.push(resolve));
      return values[name];
    },
    describe: (name) => `thing ${name}`,
  };
  return {
    source,
    values,
    asked,
    hold: () => void (holds = true),
    release: () => {
      holds = false;
      for (const resolve of held.splice(0)) resolve();
    },
  };
}

describe("references", () => {
  test("name a variable, a file, a secret or a field of one, and nothing else", () => {
    expect(
      namesIn("a ${env:A} ${file:/run/x.y} ${secret:crm/token} ${secret:crm/o#k} $${env:B}"),
    ).toEqual(["env:A", "file:/run/x.y", "secret:crm/token", "secret:crm/o#k"]);
    for (const wrong of [
      "${secret:}",
      "${secret:../x}",
      "${secret:a//b}",
      "${file:x}",
      "${env:}",
    ]) {
      expect(() => checkReferences(wrong), wrong).toThrow(/no secret|no file|no variable/);
      expect(namesIn(wrong), wrong).toEqual([]);
    }
  });
});

describe("secrets", () => {
  test("are read once, however many ask at once and after", async () => {
    const store = countingStore({ "crm/token": "t0p" });
    const secrets = new Secrets([store.source], HOUR_MS);
    store.hold();
    const loads = Array.from({ length: 100 }, () => secrets.load(["secret:crm/token"]));
    await vi.waitFor(() => expect(store.asked).toHaveLength(1));
    store.release();
    await Promise.all(loads);
    expect(secrets.resolve("Bearer ${secret:crm/token}")).toBe("Bearer t0p");
    expect(store.asked).toEqual(["crm/token"]);
  });

  test("that do not exist are named with every place that was looked in", async () => {
    const secrets = new Secrets([countingStore({}).source, countingStore({}).source], HOUR_MS);
    await expect(secrets.load(["secret:crm/token"])).rejects.toThrow(
      "secret crm/token does not exist: there is no thing crm/token, nor thing crm/token",
    );
  });

  test("that are missing are not asked for again at once", async () => {
    const store = countingStore({});
    const secrets = new Secrets([store.source], HOUR_MS);
    for (let i = 0; i < 5; i++) await secrets.load(["secret:a"]).catch(() => {});
    expect(store.asked).toHaveLength(1);
  });

  test("are read anew after their time, beside the use of the old ones", async () => {
    const store = countingStore({ a: "old" });
    const secrets = new Secrets([store.source], HOUR_MS);
    await secrets.load(["secret:a"]);
    store.values["a"] = "new";
    const later = Date.now() + HOUR_MS + 1;
    expect(secrets.peek("secret:a", later)).toBe("old");
    await vi.waitFor(() => expect(secrets.peek("secret:a", Date.now())).toBe("new"));
    expect(store.asked).toHaveLength(2);
  });

  test("of JSON are read by field, and no error shows what stands there", async () => {
    const value = JSON.stringify({ id: "me", secret: "hidden-value" });
    const store = countingStore({ o: value, plain: "hidden-value" });
    const secrets = new Secrets([store.source], HOUR_MS);
    await secrets.load(["secret:o#id", "secret:o#secret"]);
    expect(secrets.resolve("${secret:o#id}/${secret:o#secret}")).toBe("me/hidden-value");
    expect(store.asked).toEqual(["o"]);
    for (const name of ["secret:o#nothing", "secret:plain#id"]) {
      const error: unknown = await secrets.load([name]).catch((thrown: unknown) => thrown);
      expect(String(error)).toMatch(/field (nothing|id)/);
      expect(String(error)).not.toContain("hidden");
    }
  });

  test("are taken out of a text as they are, in base64 and as a URL has them", async () => {
    const store = countingStore({ a: "pass/word+1" });
    const secrets = new Secrets([store.source], HOUR_MS);
    await secrets.load(["secret:a"]);
    secrets.resolve("${secret:a}");
    const base64 = Buffer.from("pass/word+1").toString("base64");
    expect(secrets.redact(`a pass/word+1 b pass%2Fword%2B1 c ${base64} d`)).not.toMatch(
      /pass|word|cGFzcy/,
    );
  });
});

describe("stores by SENPU_SECRETS", () => {
  test("are a folder and the environment, in the order that is written", async () => {
    writeFileSync(join(folder, "both"), "of the folder\n");
    vi.stubEnv("SENPU_SECRETS", `folder:${folder},env:PLANTED_`);
    vi.stubEnv("PLANTED_BOTH", "of the environment");
    vi.stubEnv("PLANTED_CRM_TOKEN", "only there");
    const secrets = openSecrets();
    await secrets.load(["secret:both", "secret:crm/token", `file:${join(folder, "both")}`]);
    expect(secrets.resolve("${secret:both}, ${secret:crm/token}")).toBe(
      "of the folder, only there",
    );
    vi.unstubAllEnvs();
  });

  test("that are none are an error that says what would be right", () => {
    vi.stubEnv("SENPU_SECRETS", "vault:x");
    expect(() => openSecrets()).toThrow(/SENPU_SECRETS: "vault:x" is none; stores by comma/);
    vi.unstubAllEnvs();
  });
});
