import { parseArgs } from "node:util";
import { UsageError } from "../bench/options.ts";

export interface SoakOptions {
  readonly minutes: number;
  /** Of faults and plans; the order in which processes get on is their own. */
  readonly seed: number;
  /** Into `results.md` beside this file. */
  readonly write: boolean;
  /** Where all samples go. */
  readonly json: string | undefined;
}

const DEFAULT_MINUTES = 30;
const MIN_MINUTES = 1;
const MAX_MINUTES = 24 * 60;

export const USAGE = `Usage: npm run soak -- [options]

A broker, two recorders and three workers that live long, one run after another and beside each other, against an API
that misbehaves, with faults on the way: does anything grow?

  --minutes <n>   default ${DEFAULT_MINUTES}
  --seed <n>      of faults and plans; default: the time
  --json <file>   all samples
  --write         also into test/soak/results.md

Ends with 0 where all is flat and no call was lost, else with 1. Below 8 minutes rows of runs may still climb: prune
forgets what is older than two.
`;

/** Undefined where help was asked for. Throws {@link UsageError}. */
export function readOptions(args: readonly string[], now: number): SoakOptions | undefined {
  const { help, minutes, seed, write = false, json } = parse(args);
  if (help === true) return undefined;
  return {
    minutes: readNumber("--minutes", minutes, DEFAULT_MINUTES, MIN_MINUTES, MAX_MINUTES),
    seed: readNumber("--seed", seed, Math.floor(now / 1_000) % 2 ** 31, 0, 2 ** 31),
    write,
    json,
  };
}

function readNumber(
  name: string,
  text: string | undefined,
  otherwise: number,
  least: number,
  most: number,
): number {
  if (text === undefined) return otherwise;
  const number = Number(text);
  if (number >= least && number <= most) return number;
  throw new UsageError(`${name} ${text}: give a number from ${least} to ${most}`);
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        minutes: { type: "string" },
        seed: { type: "string" },
        write: { type: "boolean" },
        json: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
