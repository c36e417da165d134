import type { Command } from "commander";
import type { CommandContext, EventSourceSummary } from "../../shared/command.ts";
import { EXIT, SenpuError } from "../../shared/errors.ts";
import { openSession } from "../../shared/session.ts";
import type { StopSignals } from "./stop-signals.ts";

export function addLambdaOptions(command: Command): Command {
  return command
    .option("--as <host>", "lambda: feed the bundled Lambda function, as AWS would")
    .option("--batch-size <n>", "as lambda: messages in one event, 1 to 10 (default: 10)")
    .option("--window <time>", "as lambda: how long a batch waits to be full (default: 0s)")
    .option("--max-concurrency <n>", "as lambda: events of a lane at once, from 2 (default: 2)")
    .option(
      "--reserved-concurrency <n>",
      "as lambda: events at once over all lanes; more are throttled",
    )
    .option("--timeout <time>", "as lambda: the function's time limit (default: 30s)")
    .option("--memory <mb>", "as lambda: the function's memory in MB (default: 512)");
}

const LAMBDA_OPTIONS = [
  ["batchSize", "--batch-size"],
  ["window", "--window"],
  ["maxConcurrency", "--max-concurrency"],
  ["reservedConcurrency", "--reserved-concurrency"],
  ["timeout", "--timeout"],
  ["memory", "--memory"],
] as const;

/** Without `--as lambda` they would do nothing. Throws {@link SenpuError} `usage`. */
export function refuseLambdaOptions(options: Readonly<Record<string, unknown>>): void {
  const given = LAMBDA_OPTIONS.find(([name]) => options[name] !== undefined);
  if (given === undefined) return;
  throw new SenpuError("usage", `${given[1]} is for a function: add --as lambda`);
}

/** The same calls, made by the bundled function, fed as Lambda's event source mappings would. */
export async function runAsLambda(
  { common, options, sides }: CommandContext,
  stop: StopSignals,
): Promise<number> {
  if (options["as"] !== "lambda") {
    throw new SenpuError("usage", `--as ${String(options["as"])}: lambda is the only other host`);
  }
  const session = await stop.open(openSession({ ...common }));
  const { endpointUrl } = session;
  try {
    if (endpointUrl === undefined) {
      throw new SenpuError("usage", "--as lambda is for this machine: leave SENPU_PREFIX out");
    }
    const { startEventSource } = await sides.loadEventSource();
    const source = await stop.open(
      startEventSource({
        ...session,
        endpointUrl,
        state: common.state,
        words: options,
        onLog: (line) => {
          // A log of this process silences its progress, and not what the function logs.
          if (options["quiet"] !== true) process.stderr.write(`${line}\n`);
        },
      }),
    );
    if (!common.quiet) {
      process.stderr.write(
        `senpu worker ${process.pid}: feeding the consumer function for ${common.state}; Ctrl-C ends\n`,
      );
    }
    try {
      await Promise.race([stop.asked, source.failed]);
    } catch (error) {
      // It would go on trying otherwise, and keep the process alive.
      await session.broker.close();
      await source.stop().catch(() => {});
      throw error;
    }
    const summary = await source.stop();
    if (common.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
    else if (!common.quiet) process.stderr.write(`${sentence(summary)}\n`);
    return EXIT.succeeded;
  } finally {
    await session.close();
  }
}

function sentence(summary: EventSourceSummary): string {
  const { invocations, environments, messages, messagesFailed, errors, timeouts, throttles } =
    summary;
  return (
    `${invocations} invocations in ${environments} environments, ${messages} messages, ${messagesFailed} to come again; ` +
    `${errors} errors, ${timeouts} timeouts, ${throttles} throttles`
  );
}
