import { setTimeout as sleep } from "node:timers/promises";
import { explainDenied } from "../aws/explain-refusal.ts";
import { SenpuError, messageOf } from "../errors.ts";

/** How long requests are repeated. */
export interface PatienceOptions {
  /** From an operation's first failure until it is given up, in milliseconds. */
  readonly patienceMs: number;
  /** The same, as long as the endpoint has never answered: a wrong address should be told soon. */
  readonly firstPatienceMs: number;
  /** Names the endpoint in errors. */
  readonly endpoint: string;
  /** Once aborted, nothing is repeated any more. */
  readonly closed?: AbortSignal;
  readonly clock?: Clock;
}

/** Time and chance, so that tests can hold them still. */
export interface Clock {
  now(): number;
  random(): number;
  sleep(ms: number, signal: AbortSignal | undefined): Promise<unknown>;
}

const SYSTEM_CLOCK: Clock = {
  now: Date.now,
  random: Math.random,
  sleep: (ms, signal) => sleep(ms, undefined, signal && { signal }),
};

const FIRST_DELAY_MS = 50;
const MAX_DELAY_MS = 1_000;

/** Thrown by an attempt that got some of its entries accepted: the rest is worth another. */
export class NotAccepted extends Error {
  override readonly name = "NotAccepted";
}

/**
 * Repeats what fails for a while: refused connections, 5xx and throttling, because the process that holds the embedded
 * broker may die and another take its place on the same port. Full jitter, so that waiting processes spread.
 */
export class Patience {
  readonly #options: PatienceOptions;
  readonly #clock: Clock;
  #answered = false;

  constructor(options: PatienceOptions) {
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
  }

  /** Throws {@link SenpuError} `broker` for what cannot be mended, or not in time; `signal`'s own error when it aborts. */
  async run<T>(what: string, attempt: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    let giveUpAt: number | undefined;
    for (let failures = 0; ; failures++) {
      signal?.throwIfAborted();
      try {
        const result = await attempt();
        this.#answered = true;
        return result;
      } catch (error) {
        if (signal?.aborted || error instanceof SenpuError) throw error;
        if (statusOf(error) !== undefined) this.#answered = true;
        if (!isTransient(error)) throw this.#refused(what, error);
        giveUpAt ??= this.#clock.now() + this.#patienceMs();
        await this.#pause(what, error, failures, giveUpAt, signal);
      }
    }
  }

  async #pause(
    what: string,
    error: unknown,
    failures: number,
    giveUpAt: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const longestMs = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(failures, 10));
    const delayMs = this.#clock.random() * longestMs;
    if (this.#clock.now() + delayMs > giveUpAt) throw this.#givenUp(what, error);
    const { closed } = this.#options;
    try {
      if (!closed?.aborted) {
        await this.#clock.sleep(
          delayMs,
          signal && closed ? AbortSignal.any([signal, closed]) : (signal ?? closed),
        );
      }
    } catch (aborted) {
      if (!closed?.aborted) throw aborted;
    }
    if (closed?.aborted) throw this.#closedMeanwhile(what, error);
  }

  #patienceMs(): number {
    const { patienceMs, firstPatienceMs } = this.#options;
    return this.#answered ? patienceMs : Math.min(patienceMs, firstPatienceMs);
  }

  #refused(what: string, cause: unknown): SenpuError {
    return new SenpuError(
      "broker",
      `${what} at ${this.#options.endpoint} was refused: ${describe(cause)}`,
      { cause },
    );
  }

  #closedMeanwhile(what: string, cause: unknown): SenpuError {
    return new SenpuError(
      "broker",
      `${what} had failed (${describe(cause)}) when this side was closed`,
      { cause },
    );
  }

  #givenUp(what: string, cause: unknown): SenpuError {
    const { endpoint } = this.#options;
    return new SenpuError(
      "broker",
      `${what} at ${endpoint} failed for ${this.#patienceMs()} ms, last with: ${describe(cause)}; is the broker up?`,
      { cause },
    );
  }
}

const NETWORK_CODES: ReadonlySet<unknown> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EAI_AGAIN",
]);

/** Codes by which SNS and SQS ask for patience. Source: SDK for JavaScript v3, its list of throttling errors. */
const THROTTLING = /throttl|TooManyRequests|RequestLimitExceeded|SlowDown|BandwidthLimitExceeded/i;

/** Might the same request succeed in a moment? */
export function isTransient(error: unknown): boolean {
  if (error instanceof NotAccepted) return true;
  if (!(error instanceof Error)) return false;
  const status = statusOf(error);
  if (status !== undefined && (status >= 500 || status === 429)) return true;
  if (THROTTLING.test(error.name)) return true;
  if (error.name === "TimeoutError" || error.name === "RequestTimeout") return true;
  const { code } = error as NodeJS.ErrnoException;
  // `HPE_…`: what came back was no HTTP, as when a connection was cut or garbled within an answer.
  return NETWORK_CODES.has(code) || code?.startsWith("HPE_") === true;
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode;
}

/** The SDK says this, at length and for its own makers, of an answer that it cannot read. */
const UNREADABLE = "Deserialization error";

function describe(error: unknown): string {
  const message = messageOf(error);
  if (message.includes(UNREADABLE)) {
    return `HTTP ${statusOf(error) ?? "?"} with an answer that is neither SNS's nor SQS's (its disk may be full)`;
  }
  const denied = explainDenied(message);
  if (denied !== undefined) return denied;
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (message === "") return code ?? "no reason given";
  return error instanceof Error && statusOf(error) !== undefined
    ? `${error.name}: ${message}`
    : message;
}
