import type { CallTask } from "./chunk.ts";

/** A call out of its chunk that waits to be started: again, or once its destination lets it. One of these, once: */
export interface Waiting {
  readonly task: CallTask;
  readonly origin: string;
  /** All that it takes has been taken for it. */
  start(): void;
  /** It is not started here: it goes back to the queue until `due`, epoch milliseconds. */
  putBack(due: number): void;
  /** Its deadline will have passed. */
  expire(): void;
  /** Its run does not want it any more. */
  drop(): void;
}

/** Calls in their order. */
export class WaitingLine {
  #waiting: Waiting[] = [];
  #first = 0;

  get size(): number {
    return this.#waiting.length - this.#first;
  }

  push(waiting: Waiting): void {
    this.#waiting.push(waiting);
  }

  peek(): Waiting | undefined {
    return this.#waiting[this.#first];
  }

  shift(): void {
    this.#first++;
    if (this.#first < 64 || this.#first * 2 < this.#waiting.length) return;
    this.#waiting = this.#waiting.slice(this.#first);
    this.#first = 0;
  }

  /** All of them, which then wait here no more. */
  clear(): Waiting[] {
    const rest = this.#waiting.slice(this.#first);
    this.#waiting = [];
    this.#first = 0;
    return rest;
  }
}
