import { parseArgs } from "node:util";

export const MODES = ["compare", "memory", "start"] as const;
export type Mode = (typeof MODES)[number];

export const SERVERS = ["auto", "nginx", "node"] as const;
export type ServerChoice = (typeof SERVERS)[number];

export interface BenchOptions {
  readonly mode: Mode;
  /** Calls of a whole run. Slower contestants make a share of them. */
  readonly calls: number;
  readonly rounds: number;
  /** Calls in flight at the most, in every contestant. */
  readonly concurrency: number;
  /** Names of contestants; empty: all. */
  readonly only: readonly string[];
  readonly server: ServerChoice;
  /** Where all figures go. */
  readonly json: string | undefined;
}

export const USAGE = `Usage: npm run bench -- [options]

Whole runs of fast calls against a local server, contestants in turn, round by round.

  --calls <n>         calls of a run; default 20,000 (300,000 with --memory)
  --rounds <n>        default 3 (7 with --start)
  --concurrency <n>   calls in flight at the most; default 64
  --only <names>      of bare, dispatch, senpu, sqs-consumer, sqs-consumer-10, bullmq; comma-separated
  --server <kind>     nginx, node, or auto (nginx where it is found); default auto
  --json <file>       all figures
  --memory            one long run of senpu: what its memory does
  --start             how long \`senpu --help\` and a run of one call take
`;

export class UsageError extends Error {
  override readonly name = "UsageError";
}

const DEFAULT_CALLS = 20_000;
const MEMORY_CALLS = 300_000;
const DEFAULT_ROUNDS = 3;
const START_ROUNDS = 7;
const DEFAULT_CONCURRENCY = 64;

/** Undefined where help was asked for. Throws {@link UsageError}. */
export function readOptions(
  args: readonly string[],
  known: readonly string[],
): BenchOptions | undefined {
  const values = parse(args);
  if (values.help === true) return undefined;
  if (values.memory === true && values.start === true) {
    throw new UsageError("--memory and --start are two runs of the bench; give one of them");
  }
  const mode = values.memory === true ? "memory" : values.start === true ? "start" : "compare";
  const only = (values.only ?? []).flatMap((names) => names.split(",")).filter(Boolean);
  const unknown = only.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`--only ${unknown}: one of ${known.join(", ")}`);
  }
  const server = SERVERS.find((name) => name === (values.server ?? "auto"));
  if (server === undefined) {
    throw new UsageError(`--server ${values.server}: one of ${SERVERS.join(", ")}`);
  }
  const calls = mode === "memory" ? MEMORY_CALLS : DEFAULT_CALLS;
  const rounds = mode === "start" ? START_ROUNDS : DEFAULT_ROUNDS;
  return {
    mode,
    calls: wholeNumber("--calls", values.calls, calls, 10_000_000),
    rounds: wholeNumber("--rounds", values.rounds, rounds, 100),
    concurrency: wholeNumber("--concurrency", values.concurrency, DEFAULT_CONCURRENCY, 4_096),
    only,
    server,
    json: values.json,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        calls: { type: "string" },
        rounds: { type: "string" },
        concurrency: { type: "string" },
        only: { type: "string", multiple: true },
        server: { type: "string" },
        json: { type: "string" },
        memory: { type: "boolean" },
        start: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function wholeNumber(
  flag: string,
  text: string | undefined,
  fallback: number,
  max: number,
): number {
  if (text === undefined) return fallback;
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= max) return number;
  throw new UsageError(`${flag} ${text}: a whole number from 1 to ${max}`);
}
