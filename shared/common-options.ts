import type { Command } from "commander";
import { resolve } from "node:path";
import type { CommonOptions } from "./command.ts";
import type { Deployment } from "./deployment/deployment.ts";
import { SenpuError } from "./errors.ts";
import { environmentState } from "./state/environment-state.ts";

/** Flags that every command takes. In: the command line's words. Out: what they come to for one command. */

/** What `--env` means for a command; without any of these it works on this machine, and refuses the flag. */
export interface EnvironmentRules {
  /** The environment's name is all it needs. */
  readonly takesEnv?: true;
  /** What is deployed of the environment is found first, and handed to it. */
  readonly findsDeployment?: true;
  /** With `--env` too it keeps files in the state folder. */
  readonly keepsFiles?: true;
  /** Why the flag makes no sense. Default: the command works on this machine. */
  readonly refusesEnv?: string;
}

const DEFAULT_STATE = ".senpu";

export function addCommonOptions(command: Command): Command {
  return command
    .option("--json", "one JSON value, or JSON Lines, on stdout and nothing else there")
    .option("--state <dir>", "where broker, ledger and coordination live", DEFAULT_STATE)
    .option("--endpoint-url <url>", "an SNS/SQS-compatible endpoint in place of the embedded one")
    .option("--env <name>", "a deployed environment")
    .option("--no-color", "plain text")
    .option("--quiet", "no progress")
    .option(
      "--log-level <level>",
      "what is done, on stderr: error, warn, info or debug; default: off",
    )
    .option("--log-format <format>", "json, or text; default: text on a terminal")
    .option("--debug", "a stack trace with an error");
}

/** `find` finds a deployment by its environment's name. Throws SenpuError `usage`, and what `find` throws. */
export async function readCommonOptions(
  options: Record<string, unknown>,
  command: EnvironmentRules & { readonly name: string },
  find: (environment: string) => Promise<Deployment>,
): Promise<CommonOptions> {
  const env = options["env"] as string | undefined;
  const state = resolve(String(options["state"]));
  const common = {
    json: options["json"] === true,
    endpointUrl: options["endpointUrl"] as string | undefined,
    env,
    quiet: options["quiet"] === true,
  };
  if (env === undefined) return { ...common, state };
  const refused = whyRefused(command, state, common.endpointUrl);
  if (refused !== undefined) throw new SenpuError("usage", `--env ${env}: ${refused}`);
  const deployment = command.findsDeployment === true ? await find(env) : undefined;
  return { ...common, state: environmentState(state, env), deployment };
}

function whyRefused(
  command: EnvironmentRules & { readonly name: string },
  state: string,
  endpointUrl: string | undefined,
): string | undefined {
  const { name, takesEnv, findsDeployment, keepsFiles, refusesEnv } = command;
  if (findsDeployment !== true) {
    if (takesEnv === true) return undefined;
    return `${refusesEnv ?? `senpu ${name} works on this machine`}; leave --env out`;
  }
  if (endpointUrl !== undefined) {
    return "a deployment is at AWS; leave --endpoint-url out, or --env";
  }
  if (keepsFiles === true || state === resolve(DEFAULT_STATE)) return undefined;
  return `senpu ${name} neither reads nor keeps anything on this machine then; leave --state out`;
}

/** Begins the log that the flags ask for. False: it is off, as by default. */
export async function startCommandLog(
  options: Readonly<Record<string, unknown>>,
): Promise<boolean> {
  const { startLog } = await import("./log/start-log.ts");
  return startLog({
    level: options["logLevel"] as string | undefined,
    format: options["logFormat"] as string | undefined,
  });
}
