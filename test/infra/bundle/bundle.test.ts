import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundleFunctions } from "../../../infra/bundle/bundle.ts";
import type { Bundle } from "../../../infra/bundle/bundle.ts";
import { FUNCTIONS, FUNCTION_NAMES } from "../../../infra/bundle/functions.ts";

const folder = mkdtempSync(join(tmpdir(), "senpu-bundle-"));
let bundles: readonly Bundle[] = [];

beforeAll(async () => {
  const specs = FUNCTION_NAMES.map((name) => ({ name, ...FUNCTIONS[name] }));
  bundles = await bundleFunctions(specs, folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each(FUNCTION_NAMES)("the bundle of %s has the size that the committed table says", (name) => {
  const table = readFileSync(new URL("../../../infra/bundle/sizes.md", import.meta.url), "utf8");
  const told = Number(new RegExp(`^\\| ${name} \\| (\\d+) `, "m").exec(table)?.[1]);
  const bundle = bundles.find((one) => one.name === name);
  const kilobytes = (bundle?.bytes ?? 0) / 1_000;
  expect(Math.abs(kilobytes - told) / told, "npm run bundle writes the table anew").toBeLessThan(
    0.03,
  );
});

test.each(FUNCTION_NAMES)("the bundle of %s holds nothing that no function uses", (name) => {
  const bundle = bundles.find((one) => one.name === name);
  const parts = new Map(bundle?.parts);
  for (const unused of ["fauxqs", "@aws-sdk/nested-clients", "commander"]) {
    expect(parts.get(unused) ?? 0, unused).toBe(0);
  }
  expect(readFileSync(join(bundle?.folder ?? "", "index.mjs.map"), "utf8")).toContain("lambda-");
});

test("what a deployment need not have is loaded when it is used", () => {
  for (const { parts, lazyBytes, name } of bundles) {
    const atStart = new Map(parts);
    expect(atStart.has("@aws-sdk/client-s3"), name).toBe(false);
    expect(atStart.has("@aws-sdk/client-dynamodb"), name).toBe(false);
    expect(lazyBytes, name).toBeGreaterThan(50_000);
  }
});

test.each(FUNCTION_NAMES)("the bundle of %s loads, and exports a handler", async (name) => {
  const bundle = bundles.find((one) => one.name === name);
  const module = (await import(join(bundle?.folder ?? "", "index.mjs"))) as { handler: unknown };
  expect(module.handler).toBeTypeOf("function");
});

test("a bundle over its limit is refused, with what it is made of", async () => {
  const spec = { name: "consumer", entry: FUNCTIONS.consumer.entry, maxBytes: 100_000 };
  await expect(bundleFunctions([spec], join(folder, "large"))).rejects.toThrow(
    /bundle of consumer has \d+ bytes, over its limit of 100000 \(most of it: undici \d+/,
  );
});

test("a bundle without a handler is refused as empty", async () => {
  const entry = join(folder, "empty.ts");
  writeFileSync(entry, "export const nothing = 1;\n");
  await expect(
    bundleFunctions([{ name: "empty", entry, maxBytes: 100_000 }], join(folder, "none")),
  ).rejects.toThrow(/bundle of empty is empty \(\d+ bytes, exports nothing\)/);
});

test("an entry that is not there is told", async () => {
  await expect(
    bundleFunctions([{ name: "gone", entry: "gone.ts", maxBytes: 1 }], join(folder, "gone")),
  ).rejects.toThrow(/cannot be bundled: .*gone\.ts/s);
});
