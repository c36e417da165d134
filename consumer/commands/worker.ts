import type { Command } from "commander";
import { randomBytes } from "node:crypto";
import type { CommandContext } from "../../shared/command.ts";
import { EXIT } from "../../shared/errors.ts";
import { openSession } from "../../shared/session.ts";
import { startWorker } from "../index.ts";
import { addLambdaOptions, refuseLambdaOptions, runAsLambda } from "./worker-as-lambda.ts";

/** A run that started this process hears this often what it does. */
const TELL_MS = 200;

export function configure(command: Command): void {
  addLambdaOptions(command).addHelpText(
    "after",
    `
Makes the calls of every run in the state folder until SIGTERM or Ctrl-C; then finishes what is in flight,
puts the rest back and ends with 0. Any number of workers share each lane's limits.

Examples:
  senpu worker                                     beside senpu run plan.yaml --no-worker
  senpu worker --endpoint-url http://localhost:4566
  senpu worker --as lambda --timeout 3s --max-concurrency 5
`,
  );
}

/** `senpu worker`: makes calls until stopped. */
export async function run(context: CommandContext): Promise<number> {
  const { common, options } = context;
  if (options["as"] !== undefined) return runAsLambda(context, stopAsked());
  refuseLambdaOptions(options);
  const session = await openSession({ ...common, standby: process.channel === undefined });
  try {
    const worker = await startWorker({
      broker: session.broker,
      coordination: session.coordination,
      claims: session.claims,
      name: `worker-${process.pid}-${randomBytes(2).toString("hex")}`,
    });
    if (!common.quiet) {
      process.stderr.write(
        `senpu worker ${process.pid}: working for ${common.state}; Ctrl-C drains and ends\n`,
      );
    }
    // The run that hears this may be dead: then the callback gets the error, which would else end this process.
    const tell = setInterval(() => {
      if (process.connected) process.send?.(worker.lanes(), undefined, undefined, () => {});
    }, TELL_MS);
    try {
      await Promise.race([stopAsked(), worker.failed]);
      await worker.stop();
    } catch (error) {
      // It would go on trying otherwise, and keep the process alive.
      await session.broker.close();
      await worker.stop(0).catch(() => {});
      throw error;
    } finally {
      clearInterval(tell);
    }
    return EXIT.succeeded;
  } finally {
    await session.close();
    if (process.connected) process.disconnect();
  }
}

/**
 * Resolves when this worker is to end. Under a run that started it, that is the run's word or its death; the Ctrl-C that
 * a terminal sends to both is the run's to act on.
 */
function stopAsked(): Promise<void> {
  return new Promise((resolve) => {
    process.on("SIGTERM", () => resolve());
    if (process.channel === undefined) {
      process.on("SIGINT", () => resolve());
      return;
    }
    process.on("SIGINT", () => {});
    process.on("message", (message) => {
      if (message === "stop") resolve();
    });
    process.on("disconnect", () => resolve());
  });
}
