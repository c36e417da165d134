import { environmentVariable } from "../environment.ts";
import { SenpuError } from "../errors.ts";
import { LOG_FORMAT_VARIABLE, LOG_LEVELS, LOG_LEVEL_VARIABLE, log, setLog } from "./log.ts";
import type { LogFields, LogLevel } from "./log.ts";

const FORMATS = ["json", "text"] as const;

type LogFormat = (typeof FORMATS)[number];

/** As flags or, where those say nothing, the environment have them: containers and worker processes have only the latter. */
export interface LogWords {
  /** Default: off. */
  readonly level: string | undefined;
  /** Default: text on a terminal, JSON elsewhere. */
  readonly format: string | undefined;
}

/**
 * Starts the log of a command, on standard error. False: it is off. pino is loaded where it is on, and not before.
 * Throws {@link SenpuError} `usage`.
 */
export async function startLog(words: LogWords): Promise<boolean> {
  const level = choose("--log-level", words.level, LOG_LEVEL_VARIABLE, ["off", ...LOG_LEVELS]);
  const isTerminal = process.stderr.isTTY;
  const format: LogFormat =
    choose("--log-format", words.format, LOG_FORMAT_VARIABLE, FORMATS) ??
    (isTerminal ? "text" : "json");
  if (level === undefined || level === "off") return false;
  // Bundled, a CommonJS module has this one export.
  const { pino } = (await import("pino")).default;
  const destination =
    format === "json"
      ? // At once, so that a process that dies has said all.
        pino.destination({ dest: 2, sync: true })
      : { write: (line: string) => void process.stderr.write(toText(line)) };
  const logger = pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  setLog(level, (name, fields, text) => logger[name](fields, text));
  return true;
}

/** So that a process that is started from here logs as this one does. */
export function logEnvironment(): Readonly<Record<string, string>> {
  const level = LOG_LEVELS.findLast((name) => log[name] !== undefined);
  return level === undefined ? {} : { [LOG_LEVEL_VARIABLE]: level };
}

function choose<Word extends string>(
  flag: string,
  given: string | undefined,
  variable: string,
  words: readonly Word[],
): Word | undefined {
  const text = given ?? (environmentVariable(variable) || undefined);
  if (text === undefined) return undefined;
  const word = words.find((one) => one === text);
  if (word !== undefined) return word;
  throw new SenpuError("usage", `${flag} (or ${variable}) ${text}: one of ${words.join(", ")}`);
}

/** `12:03:04.123 warn  call failed  run=r call=a1 …`: for eyes; JSON is for machines. */
export function toText(line: string): string {
  const {
    level,
    time,
    msg,
    pid: _pid,
    ...fields
  } = JSON.parse(line) as {
    level: LogLevel;
    time: string;
    msg: string;
    pid: number;
  } & LogFields;
  const words = Object.entries(fields).map(([name, value]) => `${name}=${quote(String(value))}`);
  return `${time.slice(11, 23)} ${level.padEnd(5)} ${msg}  ${words.join(" ")}\n`;
}

function quote(value: string): string {
  return /[\s"=]/.test(value) || value === "" ? JSON.stringify(value) : value;
}
