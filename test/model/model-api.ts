import { Pool } from "undici";
import type { Dispatcher } from "undici";
import type { Dice } from "../faults/dice.ts";
import { SimulatedProcess } from "./simulated-process.ts";
import type { VirtualTime } from "./virtual-time.ts";

/**
 * What an attempt comes to: a status; `refused`, before it was sent; `reset`, after the server has acted; `silent`: it has
 * acted, and nobody hears of it; `deadly`: the same, and its worker dies.
 */
export type Answer = number | "refused" | "reset" | "silent" | "deadly";

/** One request as the API saw it. */
export interface Seen {
  readonly run: string;
  readonly id: string;
  readonly key: string | undefined;
  readonly process: SimulatedProcess;
  readonly at: number;
  readonly answer: Answer;
  /** When its worker had the answer; undefined while it has none. */
  answeredAt: number | undefined;
}

/** Statuses by which a server says that it has not processed the request. */
const NOT_PROCESSED: ReadonlySet<Answer> = new Set<Answer>([408, 425, 429, 503, "refused"]);

export function mayBeProcessed({ answer }: Pick<Seen, "answer">): boolean {
  return !NOT_PROCESSED.has(answer);
}

/** Header by which a request says whose it is; the path says which call. */
export const RUN_HEADER = "x-run";
export const ORIGIN = "http://api.test";

/** The web API of a simulated world: says of each attempt what it comes to. */
export class ModelApi {
  readonly seen: Seen[] = [];
  readonly #time: VirtualTime;
  readonly #dice: Dice;
  readonly #maxMs: number;
  readonly #answerOf: (id: string, attempt: number) => Answer;
  readonly #onSeen: (seen: Seen) => void;
  readonly #attempts = new Map<string, number>();

  /** `maxMs`: the longest that it takes to answer. */
  constructor(
    time: VirtualTime,
    dice: Dice,
    maxMs: number,
    answerOf: (id: string, attempt: number) => Answer,
    onSeen: (seen: Seen) => void,
  ) {
    this.#time = time;
    this.#dice = dice;
    this.#maxMs = maxMs;
    this.#answerOf = answerOf;
    this.#onSeen = onSeen;
  }

  dispatch(
    process: SimulatedProcess,
    { path, headers }: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): void {
    const fate = process.takeFate("attempt");
    if (fate === "dies before") process.end("killed");
    if (process.isDead) return;
    const names = headers as readonly string[];
    const header = (name: string): string | undefined => {
      const at = names.findIndex((each, index) => index % 2 === 0 && each === name);
      return at === -1 ? undefined : names[at + 1];
    };
    const id = path.slice(1);
    const attempt = this.#attempts.get(id) ?? 0;
    this.#attempts.set(id, attempt + 1);
    const answer = fate?.startsWith("fails") === true ? "reset" : this.#answerOf(id, attempt);
    const seen: Seen = {
      run: header(RUN_HEADER) ?? "",
      id,
      key: header("idempotency-key"),
      process,
      at: this.#time.now,
      answer,
      answeredAt: undefined,
    };
    this.seen.push(seen);
    this.#onSeen(seen);
    if (fate === "dies after" || answer === "deadly") process.end("killed");
    let isAborted = false;
    const controller = {
      abort: () => (isAborted = true),
    } as unknown as Dispatcher.DispatchController;
    if (answer !== "refused") handler.onRequestStart?.(controller, {});
    if (answer === "silent" || answer === "deadly") return;
    this.#time.set(
      () => {
        if (isAborted) return;
        seen.answeredAt = this.#time.now;
        if (typeof answer === "number") {
          handler.onResponseStart?.(controller, answer, {}, "");
          handler.onResponseEnd?.(controller, {});
        } else handler.onResponseError?.(controller, ERRORS[answer]());
      },
      this.#dice.between(1, this.#maxMs),
    );
  }
}

const ERRORS = {
  refused: () => Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }),
  reset: () => Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" }),
};

const apis = new WeakMap<SimulatedProcess, ModelApi>();

/** What this process sends over HTTP goes to that API. */
export function connect(process: SimulatedProcess, api: ModelApi): void {
  apis.set(process, api);
}

/**
 * From now on no request of a simulated process leaves this one: undici is asked for connections in one place, and this
 * stands there. Returns how to undo it.
 */
export function installModelApi(): () => void {
  const dispatch = Pool.prototype.dispatch;
  Pool.prototype.dispatch = function dispatchInModel(options, handler) {
    const process = SimulatedProcess.current;
    const api = process && apis.get(process);
    if (process === undefined || api === undefined) return dispatch.call(this, options, handler);
    api.dispatch(process, options, handler);
    return true;
  };
  // It is inherited: without one of its own, a pool has that again.
  return () => void Reflect.deleteProperty(Pool.prototype, "dispatch");
}
