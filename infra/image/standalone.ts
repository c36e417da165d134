import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import type { Plugin } from "esbuild";

/** What names another file at run time, and so must be told where that file lies once all is bundled into one folder. */

const SOURCES = fileURLToPath(new URL("../..", import.meta.url));

/** Started by their file's URL, each a bundle of its own. */
export const THREADS: readonly string[] = [
  "consumer/record/recorder-thread-entry.ts",
  "shared/broker/fauxqs-thread.ts",
  "producer/demo/demo-api-thread.ts",
];

/** Read by their name beside the code. */
export const DATA: readonly string[] = [
  "producer/demo/capitals.csv",
  "producer/demo/prefectures.csv",
];

const THREAD_NAMES = new Set(THREADS.map((path) => basename(path, ".ts")));
const FILE_URL = /new URL\((?:"([^"]+)"|name), import\.meta\.url\)/g;
/** The embedded broker mends modules inside its package, which the package's exports hide. */
const LOAD_INSIDE =
  /const url = new URL\(`\.\/\$\{name\}\.js`, import\.meta\.resolve\("fauxqs"\)\);\s*return \(await import\(url\.href\)\)/;
/** As `senpu doctor` does with one of them. */
const ONE_INSIDE =
  /new URL\("\.\/(\w+)\.js", import\.meta\.resolve\("fauxqs"\)\);\s*const module = \(await import\(url\.href\)\)/;
/** Asks for a package, of which none is there: whoever asks must be able to hear that. */
const ASKS_FOR_PACKAGE =
  /createRequire\(import\.meta\.url\)\.resolve\(|new URL\("\.\.\/package\.json", import\.meta\.resolve\("fauxqs"\)\)/g;
const LOADED_INSIDE = /load\("([^"]+)"\)/g;
const FAUXQS = fileURLToPath(new URL(".", import.meta.resolve("fauxqs")));

/** Code that is for a checkout: it bundles, deploys and invokes functions, which takes sources and development tools. */
const NOT_HERE = `
import { SenpuError } from ${JSON.stringify(`${SOURCES}shared/errors.ts`)};
const refuse = () => {
  throw new SenpuError("usage", "this is a command for a checkout of senpu: the image holds producer, worker and recorder");
};
export const configure = (command) => command.allowUnknownOption().allowExcessArguments();
export const run = async () => refuse();
export const startEventSource = async () => refuse();
`;

/** Throws, and so fails the build, on a name that would lead nowhere. */
export const standalone: Plugin = {
  name: "standalone",
  setup(build) {
    build.onResolve({ filter: /\/infra\// }, ({ path }) => ({ path, namespace: "not-here" }));
    build.onLoad({ filter: /.*/, namespace: "not-here" }, () => ({
      contents: NOT_HERE,
      resolveDir: SOURCES,
    }));
    build.onLoad({ filter: /producer\/report\/page-parts\.ts$/ }, async ({ path }) => ({
      contents: await withParts(path),
    }));
    build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      if (!path.startsWith(SOURCES) || path.includes("node_modules")) return undefined;
      return { contents: settleNames(readFileSync(path, "utf8"), path), loader: "ts" };
    });
  },
};

/** The report's page carries these files in itself, so they are read now and not from beside the code. */
async function withParts(path: string): Promise<string> {
  const { readParts } = (await import(path)) as { readonly readParts: () => unknown };
  return `export const readParts = () => (${JSON.stringify(readParts())});`;
}

function settleNames(source: string, path: string): string {
  const settled = source
    .replace(LOAD_INSIDE, () => insideFauxqs(source))
    .replace(
      ONE_INSIDE,
      (_, name: string) =>
        `"";\nconst module = (await import(${JSON.stringify(`${FAUXQS}${name}.js`)}))`,
    )
    .replaceAll(FILE_URL, (whole, name: string | undefined) => {
      if (name === undefined) return whole;
      const file = basename(name);
      if (file === "senpu.js") return 'new URL("./senpu.js", import.meta.url)';
      const thread = basename(file, ".ts");
      if (THREAD_NAMES.has(thread)) return `new URL("./${thread}.js", import.meta.url)`;
      throw new Error(`${path} names ${name}, which infra/image/standalone.ts does not know`);
    });
  const unknown = settled
    .replaceAll(FILE_URL, "")
    .replaceAll(ASKS_FOR_PACKAGE, "")
    .match(/.*import\.meta.*/);
  if (unknown !== null) {
    throw new Error(`${path} names a file that is not to be found: ${unknown[0].trim()}`);
  }
  return settled;
}

/** By an import of each module that is asked for. */
function insideFauxqs(source: string): string {
  const imports = [...source.matchAll(LOADED_INSIDE)].map(
    ([, name = ""]) =>
      `${JSON.stringify(name)}: () => import(${JSON.stringify(`${FAUXQS}${name}.js`)})`,
  );
  return `const inside: Record<string, () => Promise<unknown>> = { ${imports.join(", ")} };\nreturn (await inside[name]!())`;
}
