import { parseArgs } from "node:util";
import { UsageError } from "../options.ts";

export interface FlowOptions {
  /** Names of scenarios; empty: all. */
  readonly only: readonly string[];
  /** A tenth of each scenario, or so: whether it works, not what it gives. */
  readonly isShort: boolean;
  /** Into `results.md` beside this file. */
  readonly write: boolean;
  /** Where all figures go. */
  readonly json: string | undefined;
}

export const USAGE = `Usage: npm run bench:flow -- [options]

Flow control as the called server sees it: whole runs of senpu, a server in a process of its own.

  --only <names>      of rate, dynamo, closed, lanes, ideal, adaptive; comma-separated
  --short             a tenth of each: whether it works, not what it gives
  --json <file>       all figures
  --write             also into test/bench/flow/results.md; all of it, on an idle machine
`;

/** Undefined where help was asked for. Throws {@link UsageError}. */
export function readOptions(
  args: readonly string[],
  known: readonly string[],
): FlowOptions | undefined {
  const { help, only: names, short: isShort = false, write = false, json } = parse(args);
  if (help === true) return undefined;
  const only = (names ?? []).flatMap((each) => each.split(",")).filter(Boolean);
  const unknown = only.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`--only ${unknown}: one of ${known.join(", ")}`);
  }
  if (write && (isShort || only.length > 0)) {
    throw new UsageError("--write is for all scenarios at full length: without --only and --short");
  }
  return { only, isShort, write, json };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: "string", multiple: true },
        short: { type: "boolean" },
        write: { type: "boolean" },
        json: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
