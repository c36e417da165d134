import { Command } from "commander";
import { addCommonOptions, readCommonOptions, startCommandLog } from "./shared/common-options.ts";
import type { EnvironmentRules } from "./shared/common-options.ts";
import type { CommandModule, CommandSides } from "./shared/command.ts";
import type { Deployment } from "./shared/deployment/deployment.ts";
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
const COMMANDS: readonly (EnvironmentRules & {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<CommandModule>;
  /** What runs in its place with `--env`, where that is another side's. */
  readonly loadDeployed?: () => Promise<Pick<CommandModule, "run">>;
})[] = [
  {
    name: "run",
    summary: "one run: produce, work and record until every call has settled",
    load: () => import("./producer/commands/run.ts"),
    findsDeployment: true,
    keepsFiles: true,
  },
  {
    name: "plan",
    summary: "what a run would take; makes no call and sends nothing",
    load: () => import("./producer/commands/plan.ts"),
    findsDeployment: true,
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
    findsDeployment: true,
  },
  {
    name: "status",
    summary: "one run's figures",
    load: () => import("./producer/commands/status.ts"),
    findsDeployment: true,
  },
  {
    name: "calls",
    summary: "a run's calls, filtered",
    load: () => import("./producer/commands/calls.ts"),
    findsDeployment: true,
  },
  {
    name: "save",
    summary: "write a run's saved answers, once more or elsewhere",
    load: () => import("./producer/commands/save.ts"),
  },
  {
    name: "resume",
    summary: "go on with an interrupted, stopped or paused run",
    load: () => import("./producer/commands/resume.ts"),
    findsDeployment: true,
    keepsFiles: true,
  },
  {
    name: "pause",
    summary: "hold a run, for all workers",
    load: () => import("./producer/commands/pause.ts"),
    findsDeployment: true,
  },
  {
    name: "unpause",
    summary: "let a paused run go on",
    load: () => import("./producer/commands/unpause.ts"),
    findsDeployment: true,
    keepsFiles: true,
  },
  {
    name: "dlq",
    summary: "what has failed for good, by cause; reads without removing",
    load: () => import("./producer/commands/dlq.ts"),
    findsDeployment: true,
  },
  {
    name: "replay",
    summary: "make failed calls again, as a new run",
    load: () => import("./producer/commands/replay.ts"),
    findsDeployment: true,
    keepsFiles: true,
  },
  {
    name: "report",
    summary: "one self-contained page of a run; or a chat message, JSON, CSV",
    load: () => import("./producer/commands/report.ts"),
  },
  {
    name: "cancel",
    summary: "end a run, for all workers",
    load: () => import("./producer/commands/cancel.ts"),
    findsDeployment: true,
  },
  {
    name: "worker",
    summary: "make calls until stopped",
    load: () => import("./consumer/commands/worker.ts"),
    refusesEnv: "a deployment's own workers make its calls, and senpu worker those of this machine",
  },
  {
    name: "recorder",
    summary: "record outcomes until stopped",
    load: () => import("./consumer/commands/recorder.ts"),
    refusesEnv: "a deployment's own recorder records, and senpu recorder for this machine",
  },
  {
    name: "broker",
    summary: "the embedded SNS/SQS on a port, durable, for several processes",
    load: () => import("./consumer/commands/broker.ts"),
    refusesEnv: "a deployment has AWS's SNS and SQS, and senpu broker is this machine's",
  },
  {
    name: "invoke",
    summary: "run a Lambda handler on this machine with an event, for debugging",
    load: () => import("./infra/commands/invoke.ts"),
  },
  {
    name: "deploy",
    summary: "an environment to AWS: what would change first, then asks",
    load: () => import("./infra/commands/deploy.ts"),
    takesEnv: true,
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
    refusesEnv: "a deployment forgets old runs by itself, as its environment's file says",
  },
  {
    name: "doctor",
    summary: "check this machine and what is kept on it",
    load: () => import("./producer/commands/doctor.ts"),
    takesEnv: true,
    loadDeployed: () => import("./infra/commands/doctor.ts"),
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
  const program = addCommonOptions(new Command("senpu"))
    .description("Many web API calls, at the speed each API allows, and none lost.")
    .exitOverride()
    .showSuggestionAfterError()
    .addHelpText("after", EXAMPLES);
  for (const entry of COMMANDS) {
    const command = addCommonOptions(program.command(entry.name))
      .summary(entry.summary)
      .description(entry.summary);
    if (!argv.includes(entry.name)) continue;
    const module = await entry.load();
    module.configure(command);
    command.action(async () => {
      const options = command.optsWithGlobals<Record<string, unknown>>();
      const { loadDeployed = () => module } = options["env"] === undefined ? {} : entry;
      const common = await readCommonOptions(options, entry, findByName);
      const isLogged = await startCommandLog(options);
      exitCode = await (
        await loadDeployed()
      ).run({
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

async function findByName(env: string): Promise<Deployment> {
  const { nameEnvironment } = await import("./infra/environments/named.ts");
  const environment = nameEnvironment(env);
  const { findDeployment } = await import("./shared/deployment/find-deployment.ts");
  return findDeployment(environment);
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
  senpu report RUN -o report.html        a page of figures, plots and causes, to hand on

senpu COMMAND --help tells more of each.
`;
