import { resolve } from "node:path";
import type { CommonOptions } from "../command.ts";
import { stateAround } from "../state/environment-state.ts";

/** How a checkout runs the command; what is printed can be pasted. */
const PROGRAM = "npx senpu";
const DEFAULT_STATE = ".senpu";
const NEEDS_NO_QUOTES = /^[\w@%+=:,./-]+$/;

/**
 * A line that can be pasted into a shell. Flags that say where the run lives are repeated,
 * because the line would find nothing without them. `words` are quoted where they need it.
 */
export function senpuLine(
  words: readonly string[],
  where: Pick<CommonOptions, "state" | "env" | "endpointUrl">,
): string {
  const flags: string[] = [];
  const { env, state } = where;
  if (env !== undefined) flags.push("--env", env);
  const given = env === undefined ? state : stateAround(state, env);
  if (given !== resolve(DEFAULT_STATE)) flags.push("--state", given);
  if (where.endpointUrl !== undefined) flags.push("--endpoint-url", where.endpointUrl);
  return [PROGRAM, ...[...words, ...flags].map(quoteForShell)].join(" ");
}

function quoteForShell(word: string): string {
  return NEEDS_NO_QUOTES.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
