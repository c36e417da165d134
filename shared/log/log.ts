/**
 * The log of this process, for who looks into what it does: structured, with the ids of run, lane, worker, message and call.
 *
 * States: off → on, once, when a command or a function starts it. A level that is off is undefined, and is written to as
 * `log.debug?.({ … }, "…")`: then not even the fields are made, so that a call costs nothing where nobody looks.
 *
 * What stands in a line stands in the ledger, too: ids, reasons, statuses. No URL, header or body, which may hold secrets.
 */
export const log: Record<LogLevel, WriteLog | undefined> = {
  error: undefined,
  warn: undefined,
  info: undefined,
  debug: undefined,
};

export const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

type WriteLog = (fields: LogFields, text: string) => void;

export type LogFields = Readonly<Record<string, string | number | undefined>>;

/** Switches it on from this level up. `undefined`: off again. */
export function setLog(
  level: LogLevel | undefined,
  write: (level: LogLevel, fields: LogFields, text: string) => void,
): void {
  const last = level === undefined ? -1 : LOG_LEVELS.indexOf(level);
  for (const [index, name] of LOG_LEVELS.entries()) {
    log[name] = index > last ? undefined : (fields, text) => write(name, fields, text);
  }
}

export const LOG_LEVEL_VARIABLE = "SENPU_LOG_LEVEL";
export const LOG_FORMAT_VARIABLE = "SENPU_LOG_FORMAT";
