/**
 * Every error that senpu raises on purpose. The code is from a closed list, and decides the exit code.
 * The message says what is wrong, where, and what would be right, in one or two lines.
 */
export type ErrorCode =
  | "usage" // the command line
  | "plan" // the plan, its rows or its settings
  | "config" // senpu.config.yaml
  | "message" // a message that is not one of ours
  | "broker" // SNS or SQS, embedded or remote
  | "ledger" // the ledger's store
  | "coordination" // the coordination store
  | "claims" // the store of calls too large for a message
  | "secrets" // a store of secrets
  | "answers" // where answers are saved
  | "state" // the state folder: its lock, its rights
  | "aws" // AWS, beside the stores: its credentials, permissions and deployments
  | "run"; // a run that does not exist, or is not in a state for this

/** Exit codes of the command line, as scripts rely on them. */
export const EXIT = {
  succeeded: 0,
  failedCalls: 1,
  usage: 2,
  unreachable: 3,
  interrupted: 130,
} as const;

/** Codes that say that a store could not be reached or refused. */
const UNREACHABLE: ReadonlySet<ErrorCode> = new Set([
  "broker",
  "ledger",
  "coordination",
  "claims",
  "secrets",
  "answers",
  "state",
  "aws",
]);

export class SenpuError extends Error {
  override readonly name = "SenpuError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  /** The exit code that the command line ends with. */
  get exitCode(): number {
    return UNREACHABLE.has(this.code) ? EXIT.unreachable : EXIT.usage;
  }
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
