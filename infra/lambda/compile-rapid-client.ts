import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const SOURCE = fileURLToPath(new URL("rapid-client.ts", import.meta.url));
const compiled = new Map<string, Promise<string>>();

/**
 * The path of the runtime client's replaced part as JavaScript, beside a function's folder: stripping its types in the
 * function's own process would take 17 MB of the memory that is measured there.
 */
export function compileRapidClient(functionFolder: string): Promise<string> {
  const path = join(dirname(functionFolder), "rapid-client.mjs");
  const known = compiled.get(path) ?? compile(path);
  compiled.set(path, known);
  return known;
}

async function compile(outfile: string): Promise<string> {
  await build({
    entryPoints: [SOURCE],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node24",
    logLevel: "silent",
  });
  return outfile;
}
