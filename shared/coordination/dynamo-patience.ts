import { setTimeout as sleep } from "node:timers/promises";
import { explainDenied } from "../aws/explain-refusal.ts";
import { isTransient } from "../broker/patience.ts";
import { SenpuError, messageOf } from "../errors.ts";

export interface DynamoPatienceOptions {
  /** From an operation's start until it is given up, in milliseconds. */
  readonly patienceMs: number;
  /** Names table and place in errors. */
  readonly store: string;
}

/** The same, as long as the store has never answered: a wrong address should be told soon. */
const FIRST_PATIENCE_MS = 3_000;
const FIRST_DELAY_MS = 25;
const MAX_DELAY_MS = 1_000;

/** What DynamoDB says when it wants less. Source: DynamoDB developer guide, "Error handling". */
const THROTTLED = new Set([
  "ProvisionedThroughputExceededException",
  "LimitExceededException",
  "ResourceInUseException",
]);

/**
 * Repeats what fails for a while (5xx, throttling, lost connections) with full jitter, so that workers spread.
 * States: open → closed, where nothing is tried any more and pauses end at once.
 */
export class DynamoPatience {
  readonly #options: DynamoPatienceOptions;
  readonly #closed = new AbortController();
  #answered = false;

  constructor(options: DynamoPatienceOptions) {
    this.#options = options;
  }

  /** Throws SenpuError `coordination` for what cannot be mended, or not in time; what `passes` says is thrown as it is. */
  async run<T>(
    what: string,
    attempt: () => Promise<T>,
    passes: (error: unknown) => boolean = never,
  ): Promise<T> {
    const startedAt = performance.now();
    for (let failures = 0; ; failures++) {
      try {
        this.#throwIfClosed(what);
        const result = await attempt();
        this.#answered = true;
        return result;
      } catch (error) {
        if (statusOf(error) !== undefined) this.#answered = true;
        if (error instanceof SenpuError || passes(error)) throw error;
        this.#throwIfClosed(what);
        if (!mayPass(error)) throw this.#refused(what, error);
        await this.pause(what, failures, startedAt, error);
      }
    }
  }

  /** Waits before the next try of what has been tried `failures` + 1 times since `startedAt` (`performance.now()`). */
  async pause(
    what: string,
    failures: number,
    startedAt: number,
    why: unknown,
    firstDelayMs = FIRST_DELAY_MS,
  ): Promise<void> {
    const delayMs = Math.random() * Math.min(MAX_DELAY_MS, firstDelayMs * 2 ** failures);
    const patienceMs = this.#answered
      ? this.#options.patienceMs
      : Math.min(FIRST_PATIENCE_MS, this.#options.patienceMs);
    if (performance.now() + delayMs > startedAt + patienceMs) {
      throw this.#error(`${what} failed for ${patienceMs} ms, last with: ${describe(why)}`, why);
    }
    await sleep(delayMs, undefined, { signal: this.#closed.signal }).catch(() => {});
    this.#throwIfClosed(what);
  }

  close(): void {
    this.#closed.abort();
  }

  #throwIfClosed(what: string): void {
    if (this.#closed.signal.aborted) throw this.#error(`${what}: is closed`);
  }

  #refused(what: string, cause: unknown): SenpuError {
    return this.#error(`${what} was refused: ${describe(cause)}`, cause);
  }

  #error(text: string, cause?: unknown): SenpuError {
    return new SenpuError("coordination", `${this.#options.store}: ${text}`, { cause });
  }
}

const never = (): boolean => false;

function mayPass(error: unknown): boolean {
  if (isTransient(error)) return true;
  if (!(error instanceof Error)) return false;
  // The SDK has learnt from the answer how far this clock is off, and signs by the other one from now on.
  const { $metadata } = error as { $metadata?: { clockSkewCorrected?: boolean } };
  return THROTTLED.has(error.name) || $metadata?.clockSkewCorrected === true;
}

function statusOf(error: unknown): number | undefined {
  return (Object(error) as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}

function describe(error: unknown): string {
  const message = messageOf(error);
  const status = statusOf(error);
  // The SDK says this, at length and for its own makers, of an answer that it cannot read.
  if (message.includes("Deserialization error")) return `HTTP ${status ?? "?"}, unreadable`;
  const denied = explainDenied(message);
  if (denied !== undefined) return denied;
  if (message === "") return (error as NodeJS.ErrnoException).code ?? "no reason given";
  return status === undefined ? message : `${(error as Error).name}: ${message}`;
}
