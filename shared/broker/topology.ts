import { SenpuError } from "../errors.ts";
import type { Topic } from "./broker.ts";
import {
  LEDGER_DEAD_QUEUE,
  LEDGER_QUEUE,
  UNROUTED_QUEUE,
  deadQueue,
  failedQueue,
  laneQueue,
} from "./broker.ts";

/**
 * Which topics, queues and subscriptions there are, as data: `make-topology.ts` makes them on an SNS/SQS endpoint,
 * the CDK app declares the same on AWS.
 */
export interface Topology {
  readonly queues: readonly QueueSpec[];
  readonly subscriptions: readonly SubscriptionSpec[];
}

export interface QueueSpec {
  /** senpu's own name, without the prefix of the deployment. */
  readonly name: string;
  /** Visibility timeout: how long a receive lasts unless it is extended. On AWS at least six times the function's. */
  readonly visibilitySeconds: number;
  /** A redriven message keeps its original time, so a dead-letter queue must keep longer than its source. */
  readonly retentionSeconds: number;
  /** Where messages go that were received `maxReceives` times and never deleted. */
  readonly redrive?: { readonly queue: string; readonly maxReceives: number };
}

/** Raw delivery, always. */
export interface SubscriptionSpec {
  readonly topic: Topic;
  readonly queue: string;
  /** On message attributes; absent: everything. */
  readonly filter?: FilterPolicy;
  /** Takes what SNS could not deliver. */
  readonly deadLetterQueue: string;
}

export type FilterPolicy = Readonly<Record<string, readonly FilterCondition[]>>;
type FilterCondition =
  | string
  | { readonly "anything-but": readonly string[] }
  | { readonly exists: boolean };

/** Of every topic's and queue's name, before a hyphen, unless a deployment has its own. */
export const DEFAULT_PREFIX = "senpu";

export const TOPICS: readonly Topic[] = ["calls", "outcomes"];

/** The message attribute that decides which lane queue takes a message. */
const LANE_ATTRIBUTE = "lane";

/** What a message is, so that subscribers can choose. */
const KIND_ATTRIBUTE = "kind";

/** What SNS could not deliver to a queue: its policy or its key is wrong, or it is gone. */
export const UNDELIVERED_QUEUE = "undelivered";

const DAY_SECONDS = 86_400;
/** Source queues, and dead-letter queues at SQS's longest. */
export const SOURCE_RETENTION_SECONDS = 4 * DAY_SECONDS;
export const DEAD_RETENTION_SECONDS = 14 * DAY_SECONDS;

/** Recording takes milliseconds: what a recorder had when it died should come back soon. */
const LEDGER_VISIBILITY_SECONDS = 5;
export const LANE_VISIBILITY_SECONDS = 30;
/** Throttles and restarts count as receives; the ledger must not lose an outcome to them. */
const LEDGER_MAX_RECEIVES = 20;
export const LANE_MAX_RECEIVES = 5;

/** What exists whatever the lanes; `lanes` are all there are, for what none of them takes. */
export function sharedTopology(lanes: readonly string[]): Topology {
  return {
    queues: [
      {
        name: LEDGER_QUEUE,
        visibilitySeconds: LEDGER_VISIBILITY_SECONDS,
        retentionSeconds: SOURCE_RETENTION_SECONDS,
        redrive: { queue: LEDGER_DEAD_QUEUE, maxReceives: LEDGER_MAX_RECEIVES },
      },
      deadLetters(LEDGER_DEAD_QUEUE),
      deadLetters(UNROUTED_QUEUE),
      deadLetters(UNDELIVERED_QUEUE),
    ],
    subscriptions: [
      { topic: "calls", queue: LEDGER_QUEUE, deadLetterQueue: UNDELIVERED_QUEUE },
      {
        topic: "outcomes",
        queue: LEDGER_QUEUE,
        // The recorder's own settled events are for others.
        filter: { [KIND_ATTRIBUTE]: ["outcomes"] },
        deadLetterQueue: UNDELIVERED_QUEUE,
      },
      {
        topic: "calls",
        queue: UNROUTED_QUEUE,
        filter: unroutedFilter(lanes),
        deadLetterQueue: UNDELIVERED_QUEUE,
      },
    ],
  };
}

export function laneTopology(lane: string): Topology {
  return {
    queues: [
      {
        name: laneQueue(lane),
        visibilitySeconds: LANE_VISIBILITY_SECONDS,
        retentionSeconds: SOURCE_RETENTION_SECONDS,
        redrive: { queue: deadQueue(lane), maxReceives: LANE_MAX_RECEIVES },
      },
      deadLetters(failedQueue(lane)),
      deadLetters(deadQueue(lane)),
    ],
    subscriptions: [
      {
        topic: "calls",
        queue: laneQueue(lane),
        filter: { [LANE_ATTRIBUTE]: [lane] },
        deadLetterQueue: UNDELIVERED_QUEUE,
      },
    ],
  };
}

/** A message without a lane (an invalid row, the closing record) is the ledger's alone and matches neither form. */
export function unroutedFilter(lanes: readonly string[]): FilterPolicy {
  return {
    [LANE_ATTRIBUTE]: [
      lanes.length === 0 ? { exists: true } : { "anything-but": [...lanes].sort() },
    ],
  };
}

/** The lane whose calls a queue of this name holds; undefined for every other queue. */
export function laneOfQueue(name: string): string | undefined {
  const prefix = laneQueue("");
  if (!name.startsWith(prefix) || RESERVED_SUFFIX.test(name)) return undefined;
  return name.slice(prefix.length);
}

/** SQS allows 80 characters; this leaves room for the prefix of the deployment and for `lane-` and `-failed`. */
const LANE_NAME = /^[a-z0-9-]{1,40}$/;
const RESERVED_SUFFIX = /-(?:failed|dead)$/;

/** Throws {@link SenpuError} `broker` for a name whose queues could not exist, or would be another lane's. */
export function checkLaneName(lane: string): void {
  if (LANE_NAME.test(lane) && !RESERVED_SUFFIX.test(lane)) return;
  throw new SenpuError(
    "broker",
    `lane "${lane}" cannot name a queue: 1 to 40 of a-z, 0-9 and "-", not ending in -failed or -dead`,
  );
}

function deadLetters(name: string): QueueSpec {
  return {
    name,
    visibilitySeconds: LANE_VISIBILITY_SECONDS,
    retentionSeconds: DEAD_RETENTION_SECONDS,
  };
}
