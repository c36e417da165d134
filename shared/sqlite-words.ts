import { SenpuError, messageOf } from "./errors.ts";
import type { ErrorCode } from "./errors.ts";

/** How long a statement waits for another process's transaction. */
export const BUSY_TIMEOUT_MS = 10_000;

/** Primary result codes. Source: sqlite.org/rescode.html */
export const RESULT = {
  busy: 5,
  locked: 6,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
} as const;

export function resultCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown }).errcode;
  // The low byte is the primary code; the rest says more of it.
  return typeof code === "number" ? code & 0xff : undefined;
}

/** What SQLite says of a file, in words that say what to do; any other error as it is. */
export function inWords(
  error: unknown,
  { path, code }: { readonly path: string; readonly code: ErrorCode },
): unknown {
  if (error instanceof SenpuError) return error;
  const say = (text: string): SenpuError =>
    new SenpuError(code, `${path}: ${text}`, { cause: error });
  if ((error as { code?: unknown }).code === "ERR_INVALID_STATE") return say("is closed");
  switch (resultCode(error)) {
    case undefined:
      return error;
    case RESULT.full:
      return say("no space left, and nothing of this step was stored; free some, then go on");
    case RESULT.busy:
    case RESULT.locked:
      return say(
        `another process has kept it locked for ${BUSY_TIMEOUT_MS / 1000} s; end it, or try again`,
      );
    case RESULT.corrupt:
    case RESULT.notADatabase:
      return say(
        "is damaged, or not a database of senpu; senpu doctor --repair saves what can still be read",
      );
    case RESULT.readOnly:
    case RESULT.cannotOpen:
      return say(
        `cannot be opened for writing (${messageOf(error)}); check the folder and its rights`,
      );
    case RESULT.ioError:
      return say(`the disk failed (${messageOf(error)}), and nothing of this step was stored`);
    default:
      return say(messageOf(error));
  }
}
