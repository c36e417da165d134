import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { EXIT, messageOf } from "../../shared/errors.ts";
import { bundleAll } from "./all.ts";
import { renderSizes } from "./sizes.ts";

/** `npm run bundle`: bundles all functions into `dist/functions`, and writes and prints the table of their sizes. */

const TABLE = fileURLToPath(new URL("sizes.md", import.meta.url));

try {
  const table = renderSizes(await bundleAll());
  writeFileSync(TABLE, table);
  process.stdout.write(table);
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = EXIT.failedCalls;
}
