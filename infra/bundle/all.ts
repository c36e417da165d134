import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleFunctions } from "./bundle.ts";
import type { Bundle } from "./bundle.ts";
import { FUNCTIONS, FUNCTION_NAMES } from "./functions.ts";
import type { FunctionName } from "./functions.ts";

const OUT = fileURLToPath(new URL("../../dist/functions", import.meta.url));

/** Where a function's bundle lies once {@link bundleAll} has run. */
export function bundleFolder(name: FunctionName): string {
  return join(OUT, name);
}

/** Every function's bundle, in `dist/functions`. Throws as {@link bundleFunctions} does. */
export async function bundleAll(): Promise<Bundle[]> {
  return bundleFunctions(
    FUNCTION_NAMES.map((name) => ({ name, ...FUNCTIONS[name] })),
    OUT,
  );
}
