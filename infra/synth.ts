import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { EXIT, messageOf } from "../shared/errors.ts";
import { GUARD_FOLDER, inspect, statefulOf } from "./checks/inspect.ts";
import { synthesise } from "./stacks/synthesise.ts";

/**
 * `npm run synth`: every environment's templates, without credentials, into `dist/cdk.out`, and all that is wrong with
 * them. `--accept`: what is stateful now is what later changes are held against.
 */
const { values } = parseArgs({ options: { accept: { type: "boolean", default: false } } });
try {
  const environments = await synthesise();
  if (values.accept) {
    mkdirSync(GUARD_FOLDER, { recursive: true });
    for (const [name, text] of statefulOf(environments)) {
      writeFileSync(join(GUARD_FOLDER, name), text);
    }
  }
  for (const { environment, templates } of environments) {
    const stacks = [...templates].map(
      ([stack, { Resources = {} }]) => `${stack} ${Object.keys(Resources).length}`,
    );
    process.stdout.write(`${environment.name}: resources of ${stacks.join(", ")}\n`);
  }
  const faults = inspect(environments);
  for (const fault of faults) process.stderr.write(`${fault}\n`);
  process.exitCode = faults.length === 0 ? EXIT.succeeded : EXIT.failedCalls;
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = EXIT.failedCalls;
}
