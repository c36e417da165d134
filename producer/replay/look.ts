import { deadQueue, failedQueue } from "../../shared/broker/broker.ts";
import type { Broker } from "../../shared/broker/broker.ts";
import type { CallFilter } from "../../shared/ledger/ledger.ts";
import { LetterGroups } from "./group-letters.ts";
import type { LetterGroup } from "./group-letters.ts";
import { Hold } from "./hold.ts";
import type { QueueRead } from "./hold.ts";

/** Letters of a queue that are read where not all are wanted. */
export const SAMPLE_LETTERS = 200;

export interface LookOptions {
  readonly broker: Broker;
  readonly lanes: readonly string[];
  readonly filter: CallFilter;
  /** Reads to the end instead of a sample of each queue. */
  readonly all: boolean;
  readonly onRead: (read: number, expected: number) => void;
  readonly signal: AbortSignal;
}

export interface LaneLook extends QueueRead {
  readonly lane: string;
  readonly kind: LetterGroup["queue"];
}

/**
 * Looks at the letters of lanes without removing any. In: their `failed` and `dead` queues. Out: groups, and how much
 * of each queue was read. All that was received is released, however it ends.
 */
export async function lookAtLetters(
  options: LookOptions,
): Promise<{ groups: LetterGroup[]; queues: LaneLook[] }> {
  const { broker, lanes, filter, all, onRead, signal } = options;
  const groups = new LetterGroups(filter);
  const queues: LaneLook[] = [];
  const hold = new Hold(broker);
  try {
    for (const lane of lanes) {
      for (const kind of ["failed", "dead"] as const) {
        const queue = kind === "failed" ? failedQueue(lane) : deadQueue(lane);
        const read = await hold.read({
          queue,
          ...(all ? {} : { max: SAMPLE_LETTERS }),
          onDelivery: (delivery) => groups.add(kind, lane, delivery),
          onProgress: onRead,
          signal,
        });
        queues.push({ ...read, lane, kind });
      }
    }
  } finally {
    await hold.release();
  }
  return { groups: groups.list(), queues };
}
