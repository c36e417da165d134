import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Metafile } from "esbuild";
import { SenpuError, messageOf } from "../../shared/errors.ts";
import { DATA, THREADS, standalone } from "./standalone.ts";

export interface App {
  /** Holds `senpu.js`, what it loads, and `package.json`; nothing else is needed beside Node. */
  readonly folder: string;
  readonly bytes: number;
  readonly maxBytes: number;
  /** Of its packages, and of senpu itself, the largest first. */
  readonly parts: readonly (readonly [name: string, bytes: number])[];
}

/** Somebody should look why it became larger. */
const MAX_BYTES = 6_000_000;
/** Less than this cannot hold the SDK, the broker and the command line. */
const MIN_BYTES = 1_000_000;

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));

/** Packages that are CommonJS call `require` for Node's own modules, which ES modules do not have. */
const REQUIRE =
  'import { createRequire as senpuCreateRequire } from "node:module"; const require = senpuCreateRequire(import.meta.url);';

/**
 * The command line and all that it needs as plain JavaScript in one folder: no types to strip, no packages to install, no
 * native code, and so the same bytes for every processor. What a command loads lazily is loaded lazily here too.
 * Throws {@link SenpuError} `config` when it does not build, is empty or too large, or holds native code.
 */
export async function bundleApp(folder: string, maxBytes = MAX_BYTES): Promise<App> {
  const metafile = await bundle(folder);
  copyLauncher(folder);
  for (const path of DATA) copyFileSync(join(PROJECT, path), join(folder, basename(path)));
  const { version, license } = readPackage();
  writeFileSync(
    join(folder, "package.json"),
    `${JSON.stringify({ name: "senpu", version, license, type: "module" })}\n`,
  );
  const app = { ...describe(folder, metafile), maxBytes };
  check(app, metafile);
  return app;
}

async function bundle(folder: string): Promise<Metafile> {
  mkdirSync(folder, { recursive: true });
  try {
    const { metafile } = await build({
      absWorkingDir: PROJECT,
      entryPoints: [
        { in: "senpu.ts", out: "main" },
        ...THREADS.map((path) => ({ in: path, out: basename(path, ".ts") })),
      ],
      outdir: folder,
      // All in one folder, so that a name beside a file leads to the same place from each.
      splitting: true,
      chunkNames: "part-[hash]",
      bundle: true,
      minify: true,
      // A stack trace of what runs in the night should still name its functions.
      keepNames: true,
      format: "esm",
      platform: "node",
      target: "node24",
      mainFields: ["module", "main"],
      banner: { js: REQUIRE },
      legalComments: "none",
      // An optional native part of pg, which is used only where somebody installs it.
      external: ["pg-native"],
      metafile: true,
      logLevel: "silent",
      plugins: [standalone],
    });
    return metafile;
  } catch (cause) {
    throw new SenpuError("config", `the image's app cannot be bundled: ${messageOf(cause)}`, {
      cause,
    });
  }
}

const SOURCE = 'import("./senpu.ts")';

/** The launcher is plain JavaScript already; only what it loads has another name. */
function copyLauncher(folder: string): void {
  const launcher = readFileSync(join(PROJECT, "senpu.js"), "utf8");
  if (!launcher.includes(SOURCE)) {
    throw new SenpuError("config", `senpu.js does not load ${SOURCE} any more: tell bundle-app.ts`);
  }
  writeFileSync(join(folder, "senpu.js"), launcher.replace(SOURCE, 'import("./main.js")'));
}

function readPackage(): { readonly version: string; readonly license: string } {
  return JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8")) as ReturnType<
    typeof readPackage
  >;
}

function describe(folder: string, { outputs }: Metafile): Omit<App, "maxBytes"> {
  const parts = new Map<string, number>();
  let bytes = 0;
  for (const output of Object.values(outputs)) {
    bytes += output.bytes;
    for (const [input, { bytesInOutput }] of Object.entries(output.inputs)) {
      const part = packageOf(input);
      parts.set(part, (parts.get(part) ?? 0) + bytesInOutput);
    }
  }
  return { folder, bytes, parts: [...parts].sort(([, a], [, b]) => b - a) };
}

function packageOf(path: string): string {
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? "senpu";
}

function check({ bytes, maxBytes, parts }: App, { inputs }: Metafile): void {
  const largest = parts.slice(0, 4).map(([part, size]) => `${part} ${size}`);
  if (bytes < MIN_BYTES) {
    throw new SenpuError("config", `the image's app is empty: ${bytes} bytes`);
  }
  if (bytes > maxBytes) {
    throw new SenpuError(
      "config",
      `the image's app has ${bytes} bytes, over its limit of ${maxBytes} (most of it: ${largest.join(", ")}); ` +
        "find out what made it grow, or raise the limit (infra/image/bundle-app.ts)",
    );
  }
  const native = Object.keys(inputs).find((path) => path.endsWith(".node"));
  if (native !== undefined) {
    throw new SenpuError("config", `the image's app holds native code: ${native}`);
  }
}
