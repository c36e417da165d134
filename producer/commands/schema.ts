import type { CommandContext } from "../../shared/command.ts";
import type { Command } from "commander";
import { EXIT } from "../../shared/errors.ts";
import { writeText } from "../../shared/terminal/output.ts";
import { planJsonSchema } from "../plan/schema.ts";

/** `senpu schema`: the plan's JSON Schema on stdout. */
export function configure(command: Command): void {
  command.addHelpText(
    "after",
    `
Examples:
  senpu schema > plan.schema.json
  # then, as the first line of a plan, for editors with a YAML language server:
  # yaml-language-server: $schema=./plan.schema.json
`,
  );
}

export async function run(_context: CommandContext): Promise<number> {
  const text = `${JSON.stringify(planJsonSchema(), null, 2)}\n`;
  await writeText(process.stdout, text);
  return EXIT.succeeded;
}
