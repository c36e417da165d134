import { readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Metafile } from "esbuild";
import { SenpuError, messageOf } from "../../shared/errors.ts";
import { TRIM_DEFINES, trim } from "./trim.ts";

/** What is to be bundled. */
export interface BundleSpec {
  readonly name: string;
  /** From the project's folder. */
  readonly entry: string;
  readonly maxBytes: number;
  /** Less than this holds no handler and no SDK: something was dropped that should not have been. Default 10,000. */
  readonly minBytes?: number;
}

export interface Bundle {
  readonly name: string;
  /** Holds `index.mjs`, which exports `handler`, the parts it loads, and their source maps: a function's whole package. */
  readonly folder: string;
  /** Of what is loaded at the start: `index.mjs` and what it imports. */
  readonly bytes: number;
  /** Of what is loaded when a deployment uses it (a coordination table, a bucket, a database), beside that. */
  readonly lazyBytes: number;
  readonly maxBytes: number;
  /** Bytes at the start by package, the project's own under `senpu`; largest first. */
  readonly parts: readonly (readonly [name: string, bytes: number])[];
}

export const HANDLER = "index.handler";

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));
const DEFAULT_MIN_BYTES = 10_000;

/** Packages that are CommonJS call `require` for Node's own modules, which ES modules do not have. */
const REQUIRE =
  'import { createRequire as senpuCreateRequire } from "node:module"; const require = senpuCreateRequire(import.meta.url);';

/**
 * All functions in one step, a folder each under `outDir`: ESM, minified, with source maps, for Node 24.
 * Throws {@link SenpuError} `config` when one does not build, is empty or too large, or holds native code.
 */
export async function bundleFunctions(
  specs: readonly BundleSpec[],
  outDir: string,
): Promise<Bundle[]> {
  return Promise.all(
    specs.map(async (spec) => {
      const metafile = await buildOne(spec, outDir);
      removeOlder(resolve(outDir, spec.name), metafile);
      const bundle = describe(spec, outDir, metafile);
      check(bundle, spec.minBytes ?? DEFAULT_MIN_BYTES, metafile);
      return bundle;
    }),
  );
}

async function buildOne({ name, entry }: BundleSpec, outDir: string): Promise<Metafile> {
  try {
    const { metafile } = await build({
      absWorkingDir: PROJECT,
      entryPoints: [{ in: entry, out: "index" }],
      outdir: resolve(outDir, name),
      // What is imported lazily is a file of its own, and of its packages only what is used.
      splitting: true,
      chunkNames: "part-[hash]",
      outExtension: { ".js": ".mjs" },
      bundle: true,
      minify: true,
      sourcemap: true,
      // The map finds the sources where they are; their text need not travel twice.
      sourcesContent: false,
      format: "esm",
      platform: "node",
      target: "node24",
      mainFields: ["module", "main"],
      banner: { js: REQUIRE },
      legalComments: "none",
      metafile: true,
      logLevel: "silent",
      define: TRIM_DEFINES,
      plugins: [trim],
    });
    return metafile;
  } catch (cause) {
    throw new SenpuError("config", `${name} cannot be bundled: ${messageOf(cause)}`, {
      cause,
    });
  }
}

/** Parts of a build before this one, which would travel with the function. */
function removeOlder(folder: string, { outputs }: Metafile): void {
  const made = new Set(Object.keys(outputs).map((path) => resolve(PROJECT, path)));
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (!made.has(path)) rmSync(path, { recursive: true, force: true });
  }
}

function describe({ name, maxBytes }: BundleSpec, outDir: string, metafile: Metafile): Bundle {
  const folder = resolve(outDir, name);
  const code = Object.entries(metafile.outputs).filter(([path]) => path.endsWith(".mjs"));
  const atStart = loadedAtStart(indexOf(name, metafile), metafile);
  const parts = new Map<string, number>();
  for (const [path, { inputs }] of code) {
    if (!atStart.has(path)) continue;
    for (const [input, { bytesInOutput }] of Object.entries(inputs)) {
      const part = packageOf(input);
      parts.set(part, (parts.get(part) ?? 0) + bytesInOutput);
    }
  }
  const bytesOf = (isMeant: (path: string) => boolean): number =>
    code.reduce((sum, [path, { bytes }]) => sum + (isMeant(path) ? bytes : 0), 0);
  return {
    name,
    folder,
    bytes: bytesOf((path) => atStart.has(path)),
    lazyBytes: bytesOf((path) => !atStart.has(path)),
    maxBytes,
    parts: [...parts].sort(([, a], [, b]) => b - a),
  };
}

/** The output, and all that it imports other than lazily. */
function loadedAtStart(index: string, { outputs }: Metafile): Set<string> {
  const loaded = new Set([index]);
  for (const path of loaded) {
    for (const { path: imported, kind } of outputs[path]?.imports ?? []) {
      if (kind === "import-statement" && outputs[imported] !== undefined) loaded.add(imported);
    }
  }
  return loaded;
}

function indexOf(name: string, { outputs }: Metafile): string {
  const found = Object.keys(outputs).find((path) => path.endsWith("index.mjs"));
  if (found === undefined) throw new SenpuError("config", `bundling ${name} made no index.mjs`);
  return found;
}

function packageOf(path: string): string {
  const inside = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path);
  return inside?.[1] ?? "senpu";
}

function check(
  { name, bytes, maxBytes, parts }: Bundle,
  minBytes: number,
  metafile: Metafile,
): void {
  const exports = metafile.outputs[indexOf(name, metafile)]?.exports ?? [];
  if (!exports.includes("handler") || bytes < minBytes) {
    throw new SenpuError(
      "config",
      `the bundle of ${name} is empty (${bytes} bytes, exports ${exports.join(", ") || "nothing"}): its entry must export handler`,
    );
  }
  if (bytes > maxBytes) {
    const largest = parts.slice(0, 4).map(([part, size]) => `${part} ${size}`);
    throw new SenpuError(
      "config",
      `the bundle of ${name} has ${bytes} bytes, over its limit of ${maxBytes} (most of it: ${largest.join(", ")}); ` +
        "leave out what it does not use (infra/bundle/trim.ts), or raise the limit (infra/bundle/functions.ts)",
    );
  }
  const native = Object.keys(metafile.inputs).find((path) => path.endsWith(".node"));
  if (native !== undefined) {
    throw new SenpuError("config", `the bundle of ${name} holds native code: ${native}`);
  }
}
