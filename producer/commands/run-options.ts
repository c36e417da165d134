import type { Command } from "commander";
import type { CommandContext } from "../../shared/command.ts";
import { SenpuError } from "../../shared/errors.ts";
import { RATE_RIGHT, parseRate } from "../../shared/duration.ts";
import type { Rate } from "../../shared/model/lane.ts";

/** Options that `run`, `resume` and `replay` share. */
export function addRunOptions(command: Command): Command {
  return command
    .option("--workers <n>", "worker processes; default: one worker in this process")
    .option("--no-worker", "make no calls here; senpu worker makes them")
    .option("--no-recorder", "record nothing here; senpu recorder does")
    .option("--concurrency <n>", "calls in flight at the most, in each lane")
    .option("--rate <n/s>", "calls started at the most, in each lane: 20/s, 300/m, 1000/h")
    .option(
      "--allow <host>",
      "an internal host or CIDR range that this run is meant to call; repeatable",
      gather,
      [],
    );
}

/** Of an option that may be given several times. */
export function gather(value: string, before: string[]): string[] {
  return [...before, value];
}

/**
 * Who makes the calls of a run, and who records: on this machine what the options say; in a deployment what is deployed
 * there does, and nothing here. Throws SenpuError `usage`.
 */
export function readHands({ options, common }: Pick<CommandContext, "options" | "common">): {
  readonly workers: number | "here";
  readonly recorder: boolean;
} {
  if (common.deployment === undefined) {
    return { workers: readWorkers(options), recorder: options["recorder"] !== false };
  }
  if (options["workers"] !== undefined) {
    throw new SenpuError(
      "usage",
      `--workers ${options["workers"] as string}: what is deployed in ${common.deployment.name} makes the calls; leave it out`,
    );
  }
  return { workers: 0, recorder: false };
}

function readWorkers(options: Readonly<Record<string, unknown>>): number | "here" {
  if (options["worker"] === false) return 0;
  return options["workers"] === undefined
    ? "here"
    : wholeNumber("--workers", options["workers"], 0, 256);
}

export interface Overrides {
  readonly name?: string;
  readonly concurrency?: number;
  readonly rate?: Rate;
}

export function readOverrides(options: Readonly<Record<string, unknown>>): Overrides {
  const { name, concurrency, rate } = options;
  return {
    ...(typeof name === "string" ? { name } : {}),
    ...(concurrency === undefined
      ? {}
      : { concurrency: wholeNumber("--concurrency", concurrency, 1, 100_000) }),
    ...(rate === undefined ? {} : { rate: readRate(rate) }),
  };
}

function readRate(value: unknown): Rate {
  const rate = parseRate(String(value));
  if (rate === undefined) {
    throw new SenpuError("usage", `--rate ${String(value)}: ${RATE_RIGHT}`);
  }
  return rate;
}

export function wholeNumber(flag: string, value: unknown, min: number, max: number): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < min || number > max) {
    throw new SenpuError("usage", `${flag} ${String(value)}: a whole number from ${min} to ${max}`);
  }
  return number;
}
