import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { deploymentPrefix } from "../stacks/names.ts";
import type { Synthesised } from "../stacks/synthesise.ts";
import { checkTemplate } from "./all.ts";
import { ALLOWED_CHANGES, ALLOWED_DIFFERENCES } from "./allowed.ts";
import { checkParity, withoutName } from "./parity.ts";
import { checkStateful, statefulPart } from "./stateful.ts";
import type { Template } from "./template.ts";

/** What was stateful in each stack when it was last accepted (`npm run synth -- --accept`), a file each. */
export const GUARD_FOLDER = fileURLToPath(new URL("../guard", import.meta.url));

/** All that is wrong with all environments' templates, a line each. */
export function inspect(environments: readonly Synthesised[]): string[] {
  return [
    ...environments.flatMap(({ environment, templates }) =>
      [...templates].flatMap(([stack, template]) =>
        checkTemplate(`${environment.name}-${stack}`, template),
      ),
    ),
    ...guard(environments),
    ...compare(environments),
  ];
}

/** The files of {@link GUARD_FOLDER} as they would be now. */
export function statefulOf(environments: readonly Synthesised[]): [name: string, text: string][] {
  return environments.flatMap(({ environment, templates }) =>
    [...templates].map(([stack, template]): [string, string] => [
      `${environment.name}-${stack}.json`,
      `${JSON.stringify(statefulPart(template), null, 1)}\n`,
    ]),
  );
}

function guard(environments: readonly Synthesised[]): string[] {
  return environments.flatMap(({ environment, templates }) =>
    [...templates].flatMap(([stack, template]) =>
      guardStack(`${environment.name}-${stack}`, template),
    ),
  );
}

/** What a template would lose of what was stateful when it was last accepted. `name`: `<environment>-<stack>`. */
export function guardStack(name: string, template: Template): string[] {
  const path = join(GUARD_FOLDER, `${name}.json`);
  if (!existsSync(path)) {
    return [`${name}: nothing says what it held before; npm run synth -- --accept writes it down`];
  }
  const before = JSON.parse(readFileSync(path, "utf8")) as Template;
  return checkStateful(name, before, template, ALLOWED_CHANGES);
}

/** Each environment with the first (L8). */
function compare([first, ...others]: readonly Synthesised[]): string[] {
  if (first === undefined) return [];
  return others.flatMap((other) =>
    [...first.templates].flatMap(([stack, template]) => {
      const counterpart = other.templates.get(stack);
      if (counterpart === undefined) return [`${stack}: ${other.environment.name} has none`];
      return checkParity(
        stack,
        withoutName(template, deploymentPrefix(first.environment)),
        withoutName(counterpart, deploymentPrefix(other.environment)),
        ALLOWED_DIFFERENCES,
      ).map((fault) => `${fault} (${first.environment.name}, ${other.environment.name})`);
    }),
  );
}
