import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { EXIT, messageOf } from "../../shared/errors.ts";
import { bundleFunctions } from "./bundle.ts";
import { FUNCTIONS, FUNCTION_NAMES } from "./functions.ts";
import { renderSizes } from "./sizes.ts";

/** `npm run bundle`: bundles all functions into `dist/functions`, and writes and prints the table of their sizes. */

const OUT = fileURLToPath(new URL("../../dist/functions", import.meta.url));
const TABLE = fileURLToPath(new URL("sizes.md", import.meta.url));

try {
  const specs = FUNCTION_NAMES.map((name) => ({ name, ...FUNCTIONS[name] }));
  const table = renderSizes(await bundleFunctions(specs, OUT));
  writeFileSync(TABLE, table);
  process.stdout.write(table);
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = EXIT.failedCalls;
}
