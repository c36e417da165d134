import type { Checkpoint } from "../../shared/coordination/coordination.ts";
import type { Delivery } from "../../shared/broker/broker.ts";
import { isUnsafe } from "../../shared/model/call.ts";
import type { Call } from "../../shared/model/call.ts";
import type { CallsMessage } from "../../shared/model/message.ts";
import type { Access } from "../auth/access.ts";
import type { Credentials } from "../auth/credentials.ts";
import type { GuardedPools } from "../execute/pools.ts";
import { sharedHeaders } from "../execute/request.ts";
import type { Grant } from "../execute/request.ts";
import { HOLD_MS } from "./hold.ts";

/**
 * One delivery of a message while this worker holds it.
 *
 * States of each of its calls: not started → started → accounted. Accounted means that nothing depends on the message
 * any more: its outcome was published, it was put back in another message, dropped, or done by an earlier worker.
 * Once all are, the message is removed.
 */
export class Chunk {
  /** Without the body, which need not live as long. */
  readonly delivery: Pick<Delivery, "receipt" | "receiveCount">;
  readonly message: CallsMessage;
  /** Names the checkpoint: the same in each delivery, in no other message. */
  readonly key: string;
  /** `performance.now()` */
  readonly openedAt = performance.now();
  /** 0–1: by what part of a spread its calls come back later than others, all together. */
  readonly spread = Math.random();
  /** What its calls need beside themselves; undefined: nothing. */
  readonly access: Access | undefined;
  /** What its calls are made over; undefined before the first. */
  pools: GuardedPools | undefined;
  /** Holds unsafe calls: repeated after a crash only if they surely had not been started. */
  readonly guarded: boolean;
  /** Of a guarded one: names this delivery in coordination, which lets one at a time be worked on. */
  readonly holder: string | undefined;
  /** Another delivery is worked on instead: nothing more of this one is started, and its message is left alone. */
  isLost = false;
  /** Calls at this index and after have surely not been started, as the checkpoint says. */
  startedBelow: number;
  /** A checkpoint that marks calls as started is being written. */
  marking = false;
  /** Its checkpoints on their way to coordination: see `writeCheckpoint`. */
  readonly writes: CheckpointWrites = { current: undefined, next: undefined };

  readonly #attempts = new Map<number, number>();
  readonly #failures = new Map<number, readonly number[]>();
  readonly #done: Set<number>;
  /** Not to be started here: settled some other way. */
  readonly #out = new Set<number>();
  #headers: readonly string[];
  #credentials: Credentials | undefined;
  #next = 0;
  #open: number;
  #revision = 0;

  constructor(
    delivery: Delivery,
    message: CallsMessage,
    checkpoint: Checkpoint | undefined,
    holder?: string,
    access?: Access,
  ) {
    this.delivery = { receipt: delivery.receipt, receiveCount: delivery.receiveCount };
    this.message = message;
    this.key = chunkKey(message);
    this.access = access;
    this.#headers = sharedHeaders(message.policy);
    this.guarded = isGuarded(message);
    this.holder = holder;
    this.startedBelow = checkpoint?.startedBelow ?? 0;
    this.#done = new Set(checkpoint?.done);
    for (const [index, attempts] of Object.entries(checkpoint?.attempts ?? {})) {
      this.#attempts.set(Number(index), attempts);
    }
    for (const [index, failures] of Object.entries(checkpoint?.failures ?? {})) {
      this.#failures.set(Number(index), failures);
    }
    this.#open = message.calls.length - this.#done.size;
  }

  /** The headers that its calls share, with those that are granted to them. */
  headers(grant: Grant | undefined): readonly string[] {
    if (grant?.credentials !== this.#credentials) {
      this.#credentials = grant?.credentials;
      this.#headers = sharedHeaders(this.message.policy, this.#credentials?.header);
    }
    return this.#headers;
  }

  /** The next call not started, and steps past it; undefined when all have been. */
  take(): CallTask | undefined {
    const call = this.peek();
    if (call === undefined) return undefined;
    const index = this.#next++;
    return new CallTask(this, index, call, this.#attempts.get(index), this.#failures.get(index));
  }

  /** The call that `take` would give. */
  peek(): Call | undefined {
    while (this.#done.has(this.#next) || this.#out.has(this.#next)) this.#next++;
    return this.message.calls[this.#next];
  }

  /** Index of the call that `take` would give. */
  get next(): number {
    return this.#next;
  }

  /** What the shortest attempt of any of its calls may take, in milliseconds. */
  get shortestMs(): number {
    const { calls, policy } = this.message;
    return Math.min(...calls.map(({ timeoutMs = policy.timeoutMs }) => timeoutMs));
  }

  /** Nothing is left to take. */
  get isTaken(): boolean {
    return this.#next >= this.message.calls.length;
  }

  /** Calls neither started nor done. */
  get ready(): number {
    let ready = 0;
    for (let i = this.#next; i < this.message.calls.length; i++) {
      if (!this.#done.has(i) && !this.#out.has(i)) ready++;
    }
    return ready;
  }

  /** `take` will pass over this call; it is still to be accounted for. */
  takeOut(index: number): void {
    this.#out.add(index);
  }

  noteAttempts({ index, attempts, failures }: CallTask): void {
    this.#attempts.set(index, attempts);
    if (failures !== undefined) this.#failures.set(index, failures);
  }

  /** The outcome is out: a later delivery must not make the call again. */
  account(index: number): void {
    this.#done.add(index);
    this.#attempts.delete(index);
    this.#failures.delete(index);
    this.#open--;
  }

  /** Every call is accounted for. */
  get isOver(): boolean {
    return this.#open === 0;
  }

  #startedUnsafe(): string[] {
    return this.message.calls
      .slice(0, this.startedBelow)
      .filter((call, index) => isUnsafe(call.method ?? "GET") && !this.#done.has(index))
      .map(({ id }) => id);
  }

  /** What is known at this moment, later than any asked for before. `now`: epoch milliseconds. */
  checkpoint(now: number): Checkpoint {
    const { holder } = this;
    return {
      ...(holder === undefined
        ? {}
        : { holder, heldUntil: now + HOLD_MS, revision: ++this.#revision }),
      ...(this.guarded ? { startedBelow: this.startedBelow, unsafe: this.#startedUnsafe() } : {}),
      done: [...this.#done],
      attempts: Object.fromEntries(this.#attempts),
      ...(this.#failures.size === 0 ? {} : { failures: Object.fromEntries(this.#failures) }),
    };
  }
}

/** Each resolves with whether it was written. */
interface CheckpointWrites {
  current: Promise<boolean> | undefined;
  next: Promise<boolean> | undefined;
}

/** One call while this worker works on it. */
export class CallTask {
  readonly chunk: Chunk;
  readonly index: number;
  readonly call: Call;
  /** HTTP tries made so far, over all deliveries known of. */
  attempts: number;
  /** As in {@link Call}, over all deliveries known of. */
  failures: readonly number[] | undefined;
  /** Epoch milliseconds of the first try; 0 before. */
  startedAt: number;
  /** Its credentials were refused once, and others fetched for it: it gets no third ones. */
  isRenewed = false;

  constructor(
    chunk: Chunk,
    index: number,
    call: Call,
    attempts: number | undefined,
    failures?: readonly number[],
  ) {
    this.chunk = chunk;
    this.index = index;
    this.call = call;
    this.attempts = attempts ?? call.attempts ?? 0;
    this.failures = failures ?? call.failures;
    this.startedAt = call.startedAt ?? 0;
  }
}

/** Holds it calls that must not be made a second time unless they surely were not made? */
export function isGuarded({ policy, calls }: CallsMessage): boolean {
  return !policy.retry.unsafe && calls.some((call) => isUnsafe(call.method ?? "GET"));
}

export function chunkKey(message: CallsMessage): string {
  return `${message.run}/${message.generation}/${message.chunk}`;
}
