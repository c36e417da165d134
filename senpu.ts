import { Command } from "commander";
import { resolve } from "node:path";
import type { CommandModule, CommandSides, CommonOptions } from "./shared/command.ts";
import { EXIT, SenpuError, messageOf } from "./shared/errors.ts";
import type { Figures } from "./shared/model/figures.ts";
import type { PlanInput, ReplayRunOptions, RunOptions } from "./producer/index.ts";
import type { Survey } from "./producer/plan/survey.ts";

export { SenpuError } from "./shared/errors.ts";
export type { ErrorCode } from "./shared/errors.ts";
export type { Figures } from "./shared/model/figures.ts";
export type { PlanInput, ReplayRunOptions, RunOptions, RunProgress } from "./producer/index.ts";
export type { Survey } from "./producer/plan/survey.ts";
/** What a plan that is a module yields, and its export `plan`. */
export type { CallInput as Call, SettingsInput as Settings } from "./producer/plan/module-plan.ts";

/**
 * The command line's table of contents. A command's module is loaded when it is asked for, from the side it belongs to;
 * the two sides meet here and nowhere else.
 */
const COMMANDS: readonly {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<CommandModule>;
  /** Works on a deployed environment, which `--env` names. */
  readonly takesEnv?: true;
}[] = [
  {
    name: "run",
    summary: "one run: produce, work and record until every call has settled",
    load: () => import("./producer/commands/run.ts"),
  },
  {
    name: "plan",
    summary: "what a run would take; makes no call and sends nothing",
    load: () => import("./producer/commands/plan.ts"),
  },
  {
    name: "demo",
    summary: "the example plan against an API of its own",
    load: () => import("./producer/commands/demo.ts"),
  },
  {
    name: "runs",
    summary: "what ran",
    load: () => import("./producer/commands/runs.ts"),
  },
  {
    name: "status",
    summary: "one run's figures",
    load: () => import("./producer/commands/status.ts"),
  },
  {
    name: "calls",
    summary: "a run's calls, filtered",
    load: () => import("./producer/commands/calls.ts"),
  },
  {
    name: "resume",
    summary: "go on with an interrupted, stopped or paused run",
    load: () => import("./producer/commands/resume.ts"),
  },
  {
    name: "pause",
    summary: "hold a run, for all workers",
    load: () => import("./producer/commands/pause.ts"),
  },
  {
    name: "unpause",
    summary: "let a paused run go on",
    load: () => import("./producer/commands/unpause.ts"),
  },
  {
    name: "dlq",
    summary: "what has failed for good, by cause; reads without removing",
    load: () => import("./producer/commands/dlq.ts"),
  },
  {
    name: "replay",
    summary: "make failed calls again, as a new run",
    load: () => import("./producer/commands/replay.ts"),
  },
  {
    name: "cancel",
    summary: "end a run, for all workers",
    load: () => import("./producer/commands/cancel.ts"),
  },
  {
    name: "worker",
    summary: "make calls until stopped",
    load: () => import("./consumer/commands/worker.ts"),
  },
  {
    name: "recorder",
    summary: "record outcomes until stopped",
    load: () => import("./consumer/commands/recorder.ts"),
  },
  {
    name: "broker",
    summary: "the embedded SNS/SQS on a port, durable, for several processes",
    load: () => import("./consumer/commands/broker.ts"),
  },
  {
    name: "invoke",
    summary: "run a Lambda handler on this machine with an event, for debugging",
    load: () => import("./infra/commands/invoke.ts"),
  },
  {
    name: "maintenance",
    summary: "switch the website's end users to a page that says so, and back",
    load: () => import("./infra/commands/maintenance.ts"),
    takesEnv: true,
  },
  {
    name: "allow-ip",
    summary: "register this machine's address as a developer's",
    load: () => import("./infra/commands/allow-ip.ts"),
    takesEnv: true,
  },
  {
    name: "prune",
    summary: "forget old runs",
    load: () => import("./producer/commands/prune.ts"),
  },
  {
    name: "doctor",
    summary: "check this machine and what is kept on it",
    load: () => import("./producer/commands/doctor.ts"),
  },
  {
    name: "init",
    summary: "ask what to call, and write a plan",
    load: () => import("./producer/commands/init.ts"),
  },
  {
    name: "schema",
    summary: "the plan's JSON Schema",
    load: () => import("./producer/commands/schema.ts"),
  },
];

const sides: CommandSides = {
  loadConsumer: () => import("./consumer/index.ts"),
  loadProducer: () => import("./producer/index.ts"),
  loadEventSource: () => import("./infra/event-source/start.ts"),
};

/** `senpu run` for programs. Loads what it needs when it is called. */
export async function run(plan: PlanInput, options?: RunOptions): Promise<Figures> {
  const producer = await import("./producer/index.ts");
  return producer.runFrom(sides, plan, options);
}

/** `senpu plan` for programs: what a run would come to; sends nothing. */
export async function plan(input: PlanInput): Promise<Survey> {
  const producer = await import("./producer/index.ts");
  return producer.plan(input);
}

/** `senpu replay` for programs: failed calls made again, as a new run. */
export async function replay(options: ReplayRunOptions): Promise<Figures> {
  const producer = await import("./producer/index.ts");
  return producer.replayFrom(sides, options);
}

/** Runs the command line; returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  // A reader that has seen enough (`senpu calls RUN | head`) is no error.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(EXIT.succeeded);
    throw error;
  });
  const debug = argv.includes("--debug");
  try {
    return await dispatch(argv);
  } catch (error) {
    return report(error, debug);
  }
}

async function dispatch(argv: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = commonOptions(new Command("senpu"))
    .description("Many web API calls, at the speed each API allows, and none lost.")
    .exitOverride()
    .showSuggestionAfterError()
    .addHelpText("after", EXAMPLES);
  for (const entry of COMMANDS) {
    const command = commonOptions(program.command(entry.name))
      .summary(entry.summary)
      .description(entry.summary);
    if (!argv.includes(entry.name)) continue;
    const module = await entry.load();
    module.configure(command);
    command.action(async () => {
      const options = command.optsWithGlobals<Record<string, unknown>>();
      const common = readCommon(options, entry.takesEnv === true);
      const isLogged = await startCommandLog(options);
      exitCode = await module.run({
        args: command.processedArgs as (string | undefined)[],
        options,
        // Progress and the log would write over each other.
        common: isLogged ? { ...common, quiet: true } : common,
        sides,
      });
    });
  }
  try {
    await program.parseAsync(["node", "senpu", ...argv]);
  } catch (error) {
    const code = commanderExit(error);
    if (code === undefined) throw error;
    return code;
  }
  return exitCode;
}

function commonOptions(command: Command): Command {
  return command
    .option("--json", "one JSON value, or JSON Lines, on stdout and nothing else there")
    .option("--state <dir>", "where broker, ledger and coordination live", ".senpu")
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

/** False: it is off, as by default. */
async function startCommandLog(options: Readonly<Record<string, unknown>>): Promise<boolean> {
  const { startLog } = await import("./shared/log/start-log.ts");
  return startLog({
    level: options["logLevel"] as string | undefined,
    format: options["logFormat"] as string | undefined,
  });
}

function readCommon(options: Record<string, unknown>, takesEnv: boolean): CommonOptions {
  const env = options["env"] as string | undefined;
  if (env !== undefined && !takesEnv) {
    throw new SenpuError(
      "usage",
      `--env ${env}: nothing deploys yet, so there are no environments; leave it out to work on this machine`,
    );
  }
  return {
    json: options["json"] === true,
    state: resolve(String(options["state"])),
    endpointUrl: options["endpointUrl"] as string | undefined,
    env,
    quiet: options["quiet"] === true,
  };
}

/** Commander ends help and usage errors by throwing; undefined for any other error. */
function commanderExit(error: unknown): number | undefined {
  const code = (error as { code?: unknown }).code;
  if (typeof code !== "string" || !code.startsWith("commander.")) return undefined;
  const asked =
    code === "commander.help" || code === "commander.helpDisplayed" || code === "commander.version";
  return asked ? EXIT.succeeded : EXIT.usage;
}

function report(error: unknown, debug: boolean): number {
  const text = debug && error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
  process.stderr.write(`senpu: ${text}\n`);
  if (error instanceof SenpuError) return error.exitCode;
  if (!debug) process.stderr.write("This is a fault of senpu itself; --debug shows where.\n");
  return EXIT.unreachable;
}

const EXAMPLES = `
Examples:
  senpu run plan.yaml                    make every call of the plan, and account for each
  senpu plan plan.yaml                   what that would take; makes no call
  generate-calls | senpu run -           JSON Lines from another program
  senpu status                           the newest run's figures
  senpu calls RUN --state failed         what failed, and why
  senpu resume RUN                       go on with a run that was interrupted
  senpu replay RUN --dry-run             which failed calls would be made again

senpu COMMAND --help tells more of each.
`;
