import { environmentVariable } from "../environment.ts";
import { LOG_LEVELS, LOG_LEVEL_VARIABLE, setLog } from "../log/log.ts";

/**
 * Switches on the structured log of a function: a JSON object a line, by the console as below, from the level of
 * `SENPU_LOG_LEVEL` on. Default: `warn`, so that each call that failed has its line, and none that succeeded.
 */
export function startFunctionLog(): void {
  const word = environmentVariable(LOG_LEVEL_VARIABLE) ?? "warn";
  const level = LOG_LEVELS.find((name) => name === word);
  setLog(level, (name, fields, text) => {
    // oxlint-disable-next-line no-console -- see below
    console[name](JSON.stringify({ level: name, ...fields, msg: text }));
  });
}

/**
 * A line in the function's log, under its request's id. The runtime client replaces the console's methods in Lambda,
 * and only what goes through them gets the id.
 */
export function log(level: "info" | "warn" | "error", text: string): void {
  // oxlint-disable-next-line no-console -- see above
  console[level](text);
}
