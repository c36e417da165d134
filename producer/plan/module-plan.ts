import { Readable } from "node:stream";
import { pathToFileURL } from "node:url";
import type { z } from "zod";
import { Fault, show } from "../../shared/document/fault.ts";
import { schemaError } from "../../shared/document/issues.ts";
import { SenpuError, messageOf } from "../../shared/errors.ts";
import type { callSchema } from "./call-schema.ts";
import { type PlanSettings, settingsSchema } from "./schema.ts";
import { spoolInput } from "./spool.ts";

/**
 * A plan that is a module: its default export yields the calls, its export `plan` says everything else.
 *
 * In: the module's path. Out: its settings, and a file of JSON Lines with every call that it yielded.
 *
 * It is run once, to its end, before anything is published, and what it yields is kept as standard input is: whatever it
 * reads (a database, another API, the time) may differ when it is run again, and a run has to know its own calls again.
 * So a module that throws has sent nothing, a run that is resumed reads what was kept and runs no code, and the digest of
 * the run's source is that of the calls.
 */

/** A call as a plan or a module writes it: a bare URL, which is a GET, or a call in full. */
export type CallInput = z.input<typeof callSchema>;

/** What a plan says beside its calls. */
export type SettingsInput = z.input<typeof settingsSchema>;

const MODULE_RIGHT =
  "a module's default export is a function that yields calls: export default async function* () { yield … }";

export interface ModulePlanOptions {
  /** Absolute. */
  readonly path: string;
  readonly shown: string;
  /** Absolute; where the calls are kept, as `<runId>.jsonl`. */
  readonly spoolDir: string;
  readonly runId: string;
  /** Calls yielded so far. */
  readonly onProgress?: ((calls: number) => void) | undefined;
}

export interface ModulePlan {
  readonly settings: PlanSettings;
  /** JSON Lines, a call each. */
  readonly path: string;
}

/** Throws {@link SenpuError} `plan` for a module that cannot be loaded, or throws, with the line of it. */
export async function readModule(options: ModulePlanOptions): Promise<ModulePlan> {
  const { path, shown, spoolDir, runId, onProgress } = options;
  const { default: calls, plan = {} } = await load(path, shown);
  const result = settingsSchema.safeParse(plan);
  if (!result.success) {
    throw schemaError(
      { kind: "plan", shown: `${shown} plan` },
      result.error,
      plan,
      () => undefined,
    );
  }
  const lines = Readable.from(writeLines(calls, path, shown), { objectMode: false });
  const kept = await spoolInput({ stdin: lines, spoolDir, runId, onProgress, shown });
  return { settings: result.data, path: kept };
}

interface Exports {
  readonly default: unknown;
  readonly plan?: unknown;
}

async function load(path: string, shown: string): Promise<Exports> {
  try {
    return (await import(pathToFileURL(path).href)) as Exports;
  } catch (cause) {
    throw told(cause, path, shown);
  }
}

/** A line a call; many lines a piece, so that a call costs no write. */
async function* writeLines(calls: unknown, path: string, shown: string): AsyncGenerator<Buffer> {
  let piece = "";
  let number = 0;
  try {
    for await (const call of open(calls)) {
      number++;
      const line = JSON.stringify(call) as string | undefined;
      if (line === undefined) {
        throw new Fault(`${show(call)} is no call; a URL, or an object with url`);
      }
      piece += `${line}\n`;
      if (piece.length < PIECE_LENGTH) continue;
      yield Buffer.from(piece);
      piece = "";
    }
  } catch (cause) {
    if (cause instanceof Fault) {
      const where = number === 0 ? shown : `${shown} call ${number}`;
      throw new SenpuError("plan", `${where}: ${cause.message}`, { cause });
    }
    throw told(cause, path, shown, number);
  }
  if (piece !== "") yield Buffer.from(piece);
}

const PIECE_LENGTH = 65_536;

/** What the default export yields: of a generator, of what a function returns, or of a list. */
async function* open(calls: unknown): AsyncGenerator {
  const made: unknown = typeof calls === "function" ? await (calls as () => unknown)() : calls;
  if (!isIterable(made)) throw new Fault(calls === undefined ? MODULE_RIGHT : notIterable(made));
  yield* made;
}

function notIterable(value: unknown): string {
  return `${show(value)} yields no calls; ${MODULE_RIGHT}`;
}

function isIterable(value: unknown): value is AsyncIterable<unknown> | Iterable<unknown> {
  if (typeof value !== "object" || value === null) return false;
  return Symbol.asyncIterator in value || Symbol.iterator in value;
}

/** An error of the module, with the file and the line where it came about as far as that is the module's. */
function told(cause: unknown, path: string, shown: string, yielded?: number): SenpuError {
  const text = messageOf(cause).split("\n")[0] ?? "";
  const when = yielded === undefined || yielded === 0 ? "" : `, after call ${yielded}`;
  return new SenpuError("plan", `${placeOf(cause, path, shown)}: ${text}${when}`, { cause });
}

function placeOf(cause: unknown, path: string, shown: string): string {
  const stack = cause instanceof Error ? (cause.stack ?? "") : "";
  const own = frameOf(stack, [pathToFileURL(path).href, path]);
  return own === undefined ? shown : `${shown}:${own}`;
}

/** `12:5` of the first frame that stands in one of the files' spellings. */
function frameOf(stack: string, spellings: readonly string[]): string | undefined {
  for (const line of stack.split("\n")) {
    for (const spelling of spellings) {
      const at = line.indexOf(`${spelling}:`);
      if (at === -1) continue;
      const [place] = /^\d+(:\d+)?/.exec(line.slice(at + spelling.length + 1)) ?? [];
      if (place !== undefined) return place;
    }
  }
  return undefined;
}
