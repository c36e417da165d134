import { setTimeout as sleep } from "node:timers/promises";
import type { Broker, Delivery } from "../../shared/broker/broker.ts";
import { SQS_MAX_BATCH_ENTRIES } from "../../shared/limits.ts";

/** Long enough to be cheap, short enough to end with its process. */
const LONG_POLL_SECONDS = 10;
/** A receive that is younger may have its answer on the way: broken off, its messages would stay hidden for long. */
const FRESH_MS = 200;
/** Two answers that were sent together may be read one after the other. */
const SETTLE_MS = 10;

export interface ReceiverOptions {
  readonly broker: Broker;
  readonly queue: string;
  /** Ends it, and the long poll that is open, once that has had {@link FRESH_MS} to bring what lies there. */
  readonly signal: AbortSignal;
  /** Calls wanted now; 0 or less: none, until `wake`. */
  readonly missing: () => number;
  readonly open: (deliveries: readonly Delivery[]) => Promise<void>;
}

/** Receives from one queue as much as is wanted, one long poll at a time. States: polling ⇄ waiting for `wake`; ended. */
export class Receiver {
  readonly #options: ReceiverOptions;
  readonly #poll = new AbortController();
  #polledAt = 0;
  #wake: () => void = () => {};

  constructor(options: ReceiverOptions) {
    this.#options = options;
  }

  /** More may be wanted now. */
  wake(): void {
    this.#wake();
  }

  /** Resolves once the signal has ended it; rejects when the broker or `open` fails. */
  async run(): Promise<void> {
    const { broker, queue, signal } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    const abortIn = (ms: number): void => {
      clearTimeout(timer);
      timer = setTimeout(() => this.#poll.abort(), ms);
    };
    const end = (): void => {
      abortIn(Math.max(0, this.#polledAt + FRESH_MS - performance.now()));
      // Once a request that was sent later has its answer, the poll has brought what lay there, or nothing does.
      broker.depth(queue).then(
        () => abortIn(SETTLE_MS),
        () => {},
      );
    };
    signal.addEventListener("abort", end, { once: true });
    try {
      await this.#receive();
      if (this.#poll.signal.aborted) await this.#untilPollIsGone();
    } finally {
      signal.removeEventListener("abort", end);
      clearTimeout(timer);
    }
  }

  /** A broker that has answered once more has seen that the poll was broken off, and hands it nothing. */
  async #untilPollIsGone(): Promise<void> {
    const { broker, queue } = this.#options;
    const stop = new AbortController();
    const late = sleep(FRESH_MS, undefined, { signal: stop.signal }).catch(() => {});
    await Promise.race([broker.depth(queue).catch(() => {}), late]);
    stop.abort();
  }

  async #receive(): Promise<void> {
    const { broker, queue, signal, missing, open } = this.#options;
    let callsPerMessage = 1;
    while (!signal.aborted) {
      const wanted = missing();
      if (wanted <= 0) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      const maxMessages = Math.ceil(Math.min(SQS_MAX_BATCH_ENTRIES, wanted / callsPerMessage));
      this.#polledAt = performance.now();
      const deliveries = await broker.receive(queue, {
        maxMessages,
        waitSeconds: LONG_POLL_SECONDS,
        signal: this.#poll.signal,
      });
      if (deliveries.length === 0) continue;
      const before = missing();
      await open(deliveries);
      callsPerMessage = Math.max(1, (before - missing()) / deliveries.length);
    }
  }
}
