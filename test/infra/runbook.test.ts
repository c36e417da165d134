import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { planFromObject } from "../../producer/plan/read.ts";
import type { Plan } from "../../producer/plan/plan.ts";
import { preflight } from "../../producer/preflight/preflight.ts";
import { renderPreflight } from "../../producer/preflight/render.ts";
import { readConfig } from "../../shared/config/read-config.ts";
import { DEFAULT_REGION, pricesOf } from "../../shared/cost/prices.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PATH = join(ROOT, "infra/runbook.md");
const runbook = readFileSync(PATH, "utf8");

test("L14: every command that the runbook names is one that there is", () => {
  const source = readFileSync(join(ROOT, "senpu.ts"), "utf8");
  const known = [...source.matchAll(/^ {4}name: "([a-z-]+)"/gm)].map(([, name]) => name);
  const named = [...runbook.matchAll(/npx senpu ([a-z-]+)/g)].map(([, name]) => name);
  expect(new Set(named).size).toBeGreaterThan(10);
  for (const name of named) expect(known).toContain(name);
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  for (const [, script = ""] of runbook.matchAll(/npm run ([a-z:]+)/g)) {
    expect(Object.keys(scripts)).toContain(script);
  }
});

test("L14: every file that the runbook names is there, and every section that it refers to", () => {
  for (const [, path = ""] of runbook.matchAll(/\]\(([^)#]+)\)/g)) {
    expect(existsSync(resolve(dirname(PATH), path)), path).toBe(true);
  }
  for (const [, path = ""] of runbook.matchAll(/`((?:infra|shared|test)\/[\w./-]+)`/g)) {
    expect(existsSync(join(ROOT, path)), path).toBe(true);
  }
  const headings = [...runbook.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title.toLowerCase().replaceAll(" ", "-"),
  );
  const sections = [...runbook.matchAll(/\]\(#([^)]+)\)/g)].map(([, section]) => section);
  expect(headings).toEqual(expect.arrayContaining(sections));
});

test("L14: the runbook says how to do all that a deployment needs in its life", () => {
  const wanted = [
    "First deployment",
    "Handing over",
    "Maintenance",
    "A major upgrade of the database",
    "Drift",
    "Destroying",
    "While nothing runs",
    "A million calls",
  ];
  for (const title of wanted) expect(runbook).toMatch(new RegExp(`^##+ ${title}$`, "m"));
});

test("what a million calls cost is what senpu plan tells of them (L14)", async () => {
  const config = readConfig(join(ROOT, "senpu.config.yaml"));
  const given = { kind: "local", config } as const;
  const one = { name: "million", calls: ["https://api.example.org/customers/1"] };
  const plan = await planFromObject(one, { baseDir: ROOT, given });
  const told = await preflight({
    plan: { ...plan, entries: () => million() },
    given,
    readLedger: () => Promise.resolve(undefined),
    latencyMs: undefined,
    region: DEFAULT_REGION,
    hasLedger: true,
    prices: pricesOf(DEFAULT_REGION)!,
    shown: 0,
    onProgress: () => {},
  });
  expect(runbook).toContain(renderPreflight(told, 80));
});

/** As the runbook's plan has them, without the time that deriving their ids takes: those have 16 characters. */
async function* million(): ReturnType<Plan["entries"]> {
  const id = "x".repeat(16);
  for (let first = 1; first <= 1_000_000; first += 1_000) {
    yield Array.from({ length: 1_000 }, (_, index) => ({
      call: { id, url: `https://api.example.org/customers/${first + index}` },
      lane: "default",
    }));
  }
}
