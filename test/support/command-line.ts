import { Command } from "commander";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { onTestFinished } from "vitest";
import type { CommandContext } from "../../shared/command.ts";
import type { Deployment } from "../../shared/deployment/deployment.ts";
import type { Output } from "../../shared/terminal/output.ts";
import { MemoryOutput } from "./memory-output.ts";

/** A command's module as these tests call it: with an output of their own. */
export interface TestedCommand {
  configure(command: Command): void;
  run(context: CommandContext, output: Output): Promise<number>;
}

/** Runs a command as the command line does: words parsed by commander, common flags included. */
export async function runCommand(
  module: TestedCommand,
  words: readonly string[],
  output = new MemoryOutput(),
  deployment?: Deployment,
): Promise<{ exitCode: number; output: MemoryOutput }> {
  let exitCode = -1;
  const program = withCommonOptions(new Command("senpu")).exitOverride();
  const command = withCommonOptions(program.command("tested"));
  module.configure(command);
  command.action(async () => {
    const options = command.optsWithGlobals<Record<string, unknown>>();
    const common = {
      json: options["json"] === true,
      state: resolve(options["state"] as string),
      endpointUrl: undefined,
      env: deployment?.name ?? (options["env"] as string | undefined),
      deployment,
      quiet: options["quiet"] === true,
    };
    const sides = { loadConsumer: notHere, loadProducer: notHere, loadEventSource: notHere };
    exitCode = await module.run(
      { args: command.processedArgs as string[], options, common, sides },
      output,
    );
  });
  await program.parseAsync(["node", "senpu", "tested", ...words]);
  return { exitCode, output };
}

function notHere(): Promise<never> {
  return Promise.reject(new Error("not for this command"));
}

/** A folder that goes with the test. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "senpu-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function withCommonOptions(command: Command): Command {
  return command
    .option("--json")
    .option("--state <dir>", "", ".senpu")
    .option("--env <name>")
    .option("--no-color")
    .option("--quiet");
}
