import { execFile, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { writeContext } from "../../../infra/image/context.ts";
import { startMisbehavingServer } from "../../support/misbehaving-server.ts";

/**
 * The Dockerfile built for both architectures, and started for this machine's. The base cannot be fetched here, so this
 * machine's Node and the libraries that it needs stand in for it; for the other architecture, nothing does: only COPY
 * has to work there.
 */

const folder = mkdtempSync(join(tmpdir(), "senpu-buildah-"));
const policy = join(folder, "policy.json");
writeFileSync(policy, '{"default":[{"type":"insecureAcceptAnything"}]}');
const BUILDAH = "buildah";
const HERE = process.arch === "arm64" ? "arm64" : "amd64";
/** `vfs` needs nothing of the kernel. */
const STORE = [
  "--storage-driver",
  "vfs",
  "--root",
  join(folder, "store"),
  "--runroot",
  join(folder, "run"),
];
const ISOLATION = ["--isolation", "chroot"];

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const missing = whatIsMissing();
if (missing !== undefined) console.log(`skipped: an image for either architecture: ${missing}`);

function whatIsMissing(): string | undefined {
  if (process.platform !== "linux") return "buildah is for Linux";
  if (spawnSync(BUILDAH, ["--version"]).status !== 0) return "buildah is not installed";
  const empty = join(folder, "empty");
  mkdirSync(empty);
  writeFileSync(join(empty, "Dockerfile"), "FROM scratch\nCOPY Dockerfile /\n");
  const words = buildWords(empty, "localhost/empty", HERE);
  const tried = spawnSync(BUILDAH, words, { encoding: "utf8" });
  return tried.status === 0 ? undefined : `buildah cannot build here: ${tried.stderr.trim()}`;
}

function buildWords(context: string, tag: string, architecture: string, base?: string): string[] {
  const given = base === undefined ? [] : ["--build-arg", `BASE=${base}`];
  const platform = ["--platform", `linux/${architecture}`];
  const words = ["--signature-policy", policy, "--pull-never", "--tag", tag, ...platform, ...given];
  return [...STORE, "build", ...ISOLATION, ...words, context];
}

async function buildah(...words: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(BUILDAH, words, { maxBuffer: 10_000_000 });
  return stdout;
}

const store = (...words: string[]): Promise<string> => buildah(...STORE, ...words);

/** This machine's Node where the official image has it, and what the loader says that it needs. */
async function buildBase(): Promise<void> {
  const base = join(folder, "base");
  const node = realpathSync(process.execPath);
  const { stdout } = await promisify(execFile)("ldd", [node]);
  const libraries = [...stdout.matchAll(/\s(\/\S+) \(/g)].map(([, path]) => path ?? "");
  for (const [from, to] of [
    [node, "/usr/local/bin/node"],
    ...libraries.map((path) => [path, path]),
  ] as const) {
    const target = join(base, "root", to ?? "");
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(from ?? "", target);
  }
  writeFileSync(join(base, "Dockerfile"), "FROM scratch\nCOPY root /\n");
  await buildah(...buildWords(base, "localhost/base", HERE));
}

interface Inspected {
  readonly OCIv1: {
    readonly architecture: string;
    readonly config: { readonly User: string; readonly Entrypoint: readonly string[] };
  };
}

async function inspect(tag: string): Promise<Inspected["OCIv1"]> {
  return (JSON.parse(await store("inspect", "--type", "image", tag)) as Inspected).OCIv1;
}

describe.skipIf(missing !== undefined)("the image", () => {
  const context = join(folder, "context");

  beforeAll(async () => {
    await Promise.all([writeContext(context), buildBase()]);
  }, 150_000);

  test.each(["amd64", "arm64"])("is built for linux/%s (L9)", async (architecture) => {
    const tag = `localhost/senpu:${architecture}`;
    const base = architecture === HERE ? "localhost/base" : "scratch";
    await buildah(...buildWords(context, tag, architecture, base));
    const { architecture: built, config } = await inspect(tag);
    expect(built).toBe(architecture);
    expect(config.User).toBe("65532:65532");
  });

  test("starts as its user, and does a run with what it holds", async () => {
    const server = await startMisbehavingServer();
    onTestFinished(() => server.close());
    const plans = join(folder, "plans");
    mkdirSync(plans);
    const plan = { allow: ["127.0.0.1"], calls: [`${server.url}/ok?id=a`] };
    writeFileSync(join(plans, "plan.json"), JSON.stringify(plan));

    const tag = `localhost/senpu:${HERE}`;
    const { Entrypoint } = (await inspect(tag)).config;
    const from = ["from", "--signature-policy", policy, "--pull-never", tag];
    const container = (await store(...from)).trim();
    const mount = ["--volume", `${plans}:/plans:ro`];
    const run = (...words: readonly string[]): Promise<string> =>
      store("run", ...ISOLATION, ...mount, container, "--", ...words);
    expect(await run("node", "-p", "process.getuid()")).toBe("65532\n");
    const told = await run(...Entrypoint, "run", "/plans/plan.json", "--json");
    expect(JSON.parse(told)).toMatchObject({ state: "settled", planned: 1, succeeded: 1 });
    expect(server.requests).toHaveLength(1);
  });
});
