import type { Command } from "commander";
import type { CommandContext } from "../../shared/command.ts";
import { configJsonSchema } from "../../shared/config/config-schema.ts";
import { EXIT } from "../../shared/errors.ts";
import { writeText } from "../../shared/terminal/output.ts";
import { planJsonSchema } from "../plan/schema.ts";

/** `senpu schema`: the JSON Schema of a plan, or of the configuration, on stdout. */
export function configure(command: Command): void {
  command.option("--config", "of senpu.config.yaml instead").addHelpText(
    "after",
    `
Examples:
  senpu schema > plan.schema.json
  # then, as the first line of a plan, for editors with a YAML language server:
  # yaml-language-server: $schema=./plan.schema.json
  senpu schema --config > senpu.config.schema.json
`,
  );
}

export async function run({ options }: CommandContext): Promise<number> {
  const schema = options["config"] === true ? configJsonSchema() : planJsonSchema();
  const text = `${JSON.stringify(schema, null, 2)}\n`;
  await writeText(process.stdout, text);
  return EXIT.succeeded;
}
