import { once } from "node:events";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { bundleFunctions } from "../../../infra/bundle/bundle.ts";
import type { Bundle } from "../../../infra/bundle/bundle.ts";
import { FUNCTIONS, FUNCTION_NAMES, RUN_FUNCTION_NAMES } from "../../../infra/bundle/functions.ts";

const folder = mkdtempSync(join(tmpdir(), "senpu-bundle-"));
let bundles: readonly Bundle[] = [];

beforeAll(async () => {
  const specs = FUNCTION_NAMES.map((name) => ({ name, ...FUNCTIONS[name] }));
  bundles = await bundleFunctions(specs, folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each(FUNCTION_NAMES)(
  "the bundle of %s has the size that the committed table says (L13)",
  (name) => {
    const table = readFileSync(new URL("../../../infra/bundle/sizes.md", import.meta.url), "utf8");
    const told = Number(new RegExp(`^\\| ${name} \\| (\\d+) `, "m").exec(table)?.[1]);
    const bundle = bundles.find((one) => one.name === name);
    const kilobytes = (bundle?.bytes ?? 0) / 1_000;
    expect(Math.abs(kilobytes - told) / told, "npm run bundle writes the table anew").toBeLessThan(
      0.03,
    );
  },
);

test.each(FUNCTION_NAMES)("the bundle of %s holds nothing that no function uses", (name) => {
  const bundle = bundles.find((one) => one.name === name);
  const parts = new Map(bundle?.parts);
  for (const unused of ["fauxqs", "@aws-sdk/nested-clients", "commander"]) {
    expect(parts.get(unused) ?? 0, unused).toBe(0);
  }
  expect(readFileSync(join(bundle?.folder ?? "", "index.mjs.map"), "utf8")).toContain("lambda-");
});

test("what a deployment need not have is loaded when it is used", () => {
  const ofRuns = bundles.filter(({ name }) => RUN_FUNCTION_NAMES.some((one) => one === name));
  for (const { parts, lazyBytes, name } of ofRuns) {
    const atStart = new Map(parts);
    expect(atStart.has("@aws-sdk/client-s3"), name).toBe(false);
    expect(atStart.has("@aws-sdk/client-dynamodb"), name).toBe(false);
    expect(atStart.has("pg"), name).toBe(false);
    expect(lazyBytes, name).toBeGreaterThan(50_000);
  }
});

test("only functions in the database's network carry its driver (L13)", () => {
  const holdsDriver = ({ folder }: Bundle): boolean =>
    readdirSync(folder).some(
      (name) =>
        name.endsWith(".map") &&
        readFileSync(join(folder, name), "utf8").includes("node_modules/pg/"),
    );
  const holding = bundles.filter(holdsDriver).map(({ name }) => name);
  expect(holding).toEqual(["recorder", "ledger", "ledger-roles", "ledger-retention"]);
});

test.each(FUNCTION_NAMES)("the bundle of %s loads, and exports a handler", async (name) => {
  const bundle = bundles.find((one) => one.name === name);
  const module = (await import(join(bundle?.folder ?? "", "index.mjs"))) as { handler: unknown };
  expect(module.handler).toBeTypeOf("function");
});

test("the bundles of the ledger's functions answer, and forget", async () => {
  vi.stubEnv("SENPU_STATE", join(folder, "state"));
  vi.stubEnv("SENPU_LEDGER_ACCESS", "read");
  vi.stubEnv("SENPU_KEEP_RUNS_DAYS", "30");
  onTestFinished(() => void vi.unstubAllEnvs());
  const call = async (name: string, event: unknown): Promise<unknown> => {
    const path = join(bundles.find((one) => one.name === name)?.folder ?? "", "index.mjs");
    const { handler } = (await import(path)) as { handler: (event: unknown) => Promise<unknown> };
    return handler(event);
  };
  expect(await call("ledger", { method: "listRuns", args: [9, 0] })).toEqual({
    value: { rows: [], more: false },
  });
  expect(await call("ledger-retention", {})).toEqual({ forgotten: 0 });
});

test("what is bundled of undici asks a proxy for a tunnel", async () => {
  const tunnels: string[] = [];
  const proxy = createServer().on("connect", ({ url = "" }, socket) => {
    tunnels.push(url);
    socket.end("HTTP/1.1 407 No\r\n\r\n");
  });
  onTestFinished(() => void proxy.close());
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const { port } = proxy.address() as AddressInfo;

  const entry = join(folder, "through-proxy.ts");
  const source = (path: string): string =>
    JSON.stringify(fileURLToPath(new URL(`../../../consumer/execute/${path}`, import.meta.url)));
  writeFileSync(
    entry,
    `import { HttpClient } from ${source("http-client.ts")};
     import { openProxyRoute, proxiesOfPlan } from ${source("proxy-route.ts")};
     export async function handler(proxy) {
       const route = await openProxyRoute(proxiesOfPlan(proxy));
       const http = new HttpClient();
       const request = { origin: "https://127.0.0.1:9", path: "/", method: "GET", headers: [], body: null, grant: { route } };
       const { error } = await new Promise((resolve) => http.start(request, http.pools(["127.0.0.1"]), 10_000, 0, resolve));
       await http.close();
       return error;
     }`,
  );
  const spec = { name: "through-proxy", entry, maxBytes: 400_000 };
  const [bundle] = await bundleFunctions([spec], join(folder, "proxy"));
  const { handler } = (await import(pathToFileURL(join(bundle!.folder, "index.mjs")).href)) as {
    handler: (proxy: string) => Promise<string | undefined>;
  };
  expect(await handler(`http://127.0.0.1:${port}`)).toContain("407");
  expect(tunnels).toEqual(["127.0.0.1:9"]);
});

test("a bundle over its limit is refused, with what it is made of", async () => {
  const spec = { name: "consumer", entry: FUNCTIONS.consumer.entry, maxBytes: 100_000 };
  await expect(bundleFunctions([spec], join(folder, "large"))).rejects.toThrow(
    /bundle of consumer has \d+ bytes, over its limit of 100000 \(most of it: undici \d+/,
  );
});

test("a bundle without a handler is refused as empty (L9)", async () => {
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
