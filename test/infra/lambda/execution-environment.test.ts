import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { ExecutionEnvironment } from "../../../infra/lambda/execution-environment.ts";
import type { EnvironmentOptions } from "../../../infra/lambda/execution-environment.ts";
import { bundleFunctions } from "../../../infra/bundle/bundle.ts";
import { startMisbehavingServer } from "../../support/misbehaving-server.ts";

const folder = mkdtempSync(join(tmpdir(), "senpu-environment-"));
let folders: Record<string, string> = {};

beforeAll(async () => {
  const bundles = await bundleFunctions(
    ["faulty", "faulty-load"].map((name) => ({
      name,
      entry: `test/support/lambda/${name}.ts`,
      minBytes: 0,
      maxBytes: 100_000,
    })),
    folder,
  );
  folders = Object.fromEntries(bundles.map((bundle) => [bundle.name, bundle.folder]));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Started {
  readonly environment: ExecutionEnvironment;
  readonly log: string[];
}

async function start(name: string, more: Partial<EnvironmentOptions> = {}): Promise<Started> {
  const log: string[] = [];
  const environment = await ExecutionEnvironment.start({
    name,
    folder: folders[name] ?? "",
    memoryMb: 256,
    timeoutMs: 5_000,
    variables: {},
    onLog: (line) => log.push(line),
    ...more,
  });
  onTestFinished(() => environment.stop());
  return { environment, log };
}

test("a handler has Lambda's variables, its remaining time and its log, and the same process for its next event", async () => {
  const { environment, log } = await start("faulty");
  const first = await environment.invoke({ fault: "none" });
  expect(first).toMatchObject({
    end: {
      kind: "returned",
      result: { memory: "256", name: "senpu-faulty", region: "us-east-1" },
    },
  });
  expect(first.initMs).toBeGreaterThan(0);
  expect(first.maxMemoryMb).toBeGreaterThan(0);
  const second = await environment.invoke({ fault: "none" });
  expect(second.initMs).toBeUndefined();
  const [before, after] = [first, second].map(
    ({ end }) => (end as { result: { pid: number; remainingMs: number } }).result,
  );
  expect(after?.pid).toBe(before?.pid);
  expect(after?.remainingMs).toBeGreaterThan(3_000);
  expect(after?.remainingMs).toBeLessThanOrEqual(5_000);
  // The log comes through a pipe, the answer over HTTP: neither waits for the other.
  await vi.waitFor(() => {
    const told = log.filter((line) => line.includes(`${second.requestId}\tINFO\tall is well`));
    expect(told).toHaveLength(1);
  });
});

test("a function that cannot be loaded says why", async () => {
  const { environment } = await start("faulty-load");
  const { end } = await environment.invoke({});
  expect(end).toMatchObject({ kind: "not loaded", error: { errorMessage: "no such table" } });
  expect(environment.isDead).toBe(true);
});

test("a handler that throws at once, or after half its calls, is told with its error, and lives on", async () => {
  const server = await startMisbehavingServer();
  onTestFinished(() => server.close());
  const { environment } = await start("faulty");
  expect((await environment.invoke({ fault: "throw" })).end).toMatchObject({ kind: "threw" });
  const { end } = await environment.invoke({ fault: "throw", url: `${server.url}/ok`, calls: 3 });
  expect(end).toMatchObject({
    kind: "threw",
    error: { errorType: "TypeError", errorMessage: "that was half of them" },
  });
  // Where it was thrown, as the sources have it.
  expect((end as unknown as { error: { trace: string[] } }).error.trace.join("\n")).toMatch(
    /faulty\.ts:\d+/,
  );
  expect(server.requests.length).toBe(3);
  expect(environment.isDead).toBe(false);
});

test("a handler that is not done in time is ended", async () => {
  const { environment } = await start("faulty", { timeoutMs: 1_000 });
  const { end, durationMs } = await environment.invoke({ fault: "hang" });
  expect(end).toEqual({ kind: "timed out" });
  expect(durationMs).toBeGreaterThanOrEqual(990);
  expect(environment.isDead).toBe(true);
});

test("a handler that fills its memory is ended", async () => {
  const { environment } = await start("faulty", { memoryMb: 128 });
  expect((await environment.invoke({ fault: "fill" })).end).toEqual({ kind: "out of memory" });
});

test("a handler that ends its process says how", async () => {
  const { environment } = await start("faulty");
  const { end } = await environment.invoke({ fault: "exit" });
  expect(end).toEqual({ kind: "exited", how: "exit code 7" });
});
