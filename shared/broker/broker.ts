/**
 * The broker port: SNS topics that fan out to SQS queues, as senpu uses them.
 *
 * In: bodies with attributes. Out: deliveries, at least once, in any order.
 * Names here are senpu's own (`ledger`, `lane-crm`); an adapter turns them into topic ARNs and queue URLs.
 * Every method throws SenpuError `broker` once its own retries have ended.
 */
export interface Broker {
  /**
   * Makes topics, queues, subscriptions, filter policies and redrive for these lanes, where missing; safe to repeat,
   * and to run in two processes at once. Lanes that exist already stay.
   */
  ensure(lanes: readonly string[]): Promise<void>;
  /**
   * Publishes all entries, any number of them: packed into batches within SNS's limits, entries that fail retried by
   * themselves. Resolves once SNS has accepted every entry; when it throws, some may have been accepted.
   */
  publish(topic: Topic, entries: readonly Outgoing[]): Promise<void>;
  /** Sends to one queue past the topics (deferral, `failed`, `dead`), any number; the same promise as `publish`. */
  send(queue: string, entries: readonly Delayed[]): Promise<void>;
  /**
   * Up to `maxMessages` (1–10) deliveries; empty after `waitSeconds` (0–20) without any, or as soon as `signal` aborts.
   * `visibilitySeconds` replaces the queue's own timeout.
   */
  receive(queue: string, options: ReceiveOptions): Promise<Delivery[]>;
  /** Deletes deliveries. A receipt that has expired is not an error: the message comes again. */
  remove(queue: string, receipts: readonly string[]): Promise<void>;
  /** Keeps deliveries invisible for so many seconds from now (1–43,200). Expired receipts are returned, not thrown. */
  extend(queue: string, receipts: readonly string[], seconds: number): Promise<string[]>;
  /** Makes deliveries visible again at once, or as soon as the broker can (within 1 s). */
  release(queue: string, receipts: readonly string[]): Promise<void>;
  /** Every lane that has queues, sorted; whether some run uses it now or not. */
  lanes(): Promise<string[]>;
  /** Approximate on AWS. */
  depth(queue: string): Promise<Depth>;
  /** Ends open long polls and connections. */
  close(): Promise<void>;
}

/** `calls`: what is to be done, and what was planned. `outcomes`: what became of it. */
export type Topic = "calls" | "outcomes";

export interface Outgoing {
  readonly body: string;
  /** String attributes; filter policies see these only. At most 10. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** Sent as it is, however long: for subscribers that are not senpu. */
  readonly isPlain?: true;
}

export interface Delayed extends Outgoing {
  /** 0–900. Default 0. */
  readonly delaySeconds?: number;
}

export interface ReceiveOptions {
  readonly maxMessages: number;
  readonly waitSeconds: number;
  readonly visibilitySeconds?: number;
  readonly signal?: AbortSignal;
}

/** One receive of a message. */
export interface Delivery {
  /** Names this receive to remove, extend and release. */
  readonly receipt: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** `ApproximateReceiveCount`: 1 on the first. */
  readonly receiveCount: number;
  /** Epoch milliseconds at which the queue took it. */
  readonly sentAt: number;
}

export interface Depth {
  readonly visible: number;
  readonly notVisible: number;
  readonly delayed: number;
}

/** Planned calls and outcomes, for the recorder. Its own dead letters land in `ledger-dead`. */
export const LEDGER_QUEUE = "ledger";
export const LEDGER_DEAD_QUEUE = "ledger-dead";
/** Messages whose `lane` no lane queue takes. */
export const UNROUTED_QUEUE = "unrouted";

/** Of a deployment: schedules' events whose run waits for the one before to end. */
export const WAITING_QUEUE = "waiting";

/** The calls of a lane. */
export function laneQueue(lane: string): string {
  return `lane-${lane}`;
}

/** Calls that finally failed, one a message, with why in the attributes. */
export function failedQueue(lane: string): string {
  return `lane-${lane}-failed`;
}

/** What SQS itself gave up on, and what no worker could read. */
export function deadQueue(lane: string): string {
  return `lane-${lane}-dead`;
}
