import type { Delivery } from "../../shared/broker/broker.ts";
import { SenpuError } from "../../shared/errors.ts";
import type { CallFilter } from "../../shared/ledger/ledger.ts";
import { hostOf } from "../../shared/model/host.ts";
import { decodeLetter } from "../../shared/model/letter.ts";
import type { Letter } from "../../shared/model/letter.ts";
import { decodeMessage } from "../../shared/model/message.ts";
import type { Reason } from "../../shared/model/outcome.ts";
import { passes } from "./choose.ts";

/**
 * What lies in the `failed` and `dead` queues, by cause. In: deliveries. Out: groups, with an example each.
 * Memory grows with the number of groups, not of letters.
 */
export interface LetterGroup {
  /** `dead`: SQS gave up on it, and no recorder has looked at it yet. */
  readonly queue: "failed" | "dead";
  readonly lane: string;
  /** Null where the message does not say. */
  readonly run: string | null;
  /** `unreadable`: no message of ours. In a dead queue, `abandoned`: what a recorder will make of it. */
  readonly reason: Reason | "unreadable";
  readonly status: number | null;
  readonly host: string | null;
  /** Calls; an unreadable message counts as one. */
  readonly count: number;
  /** ISO 8601, UTC. */
  readonly oldestAt: string;
  readonly newestAt: string;
  /** The newest. */
  readonly example: LetterExample;
}

interface LetterExample {
  readonly id: string | null;
  readonly method: string | null;
  readonly url: string | null;
  readonly error: string | null;
}

type Entry = Pick<LetterGroup, "run" | "reason" | "status" | "host" | "example"> & {
  readonly at: number;
};
interface Growing extends Entry {
  readonly queue: LetterGroup["queue"];
  readonly lane: string;
  count: number;
  oldest: number;
  newest: number;
  newestExample: LetterExample;
}

export class LetterGroups {
  readonly #filter: CallFilter;
  readonly #groups = new Map<string, Growing>();

  constructor(filter: CallFilter) {
    this.#filter = filter;
  }

  add(queue: LetterGroup["queue"], lane: string, delivery: Delivery): void {
    const entries = queue === "failed" ? readFailed(delivery) : readDead(delivery, lane);
    for (const entry of entries) {
      const { letter } = entry;
      const isWanted = letter === undefined ? !this.#isFiltered : passes(letter, this.#filter);
      if (isWanted) this.#count(queue, lane, entry);
    }
  }

  /** The largest first. */
  list(): LetterGroup[] {
    return [...this.#groups.values()]
      .toSorted((a, b) => a.lane.localeCompare(b.lane) || b.count - a.count)
      .map(({ queue, lane, run, reason, status, host, count, oldest, newest, newestExample }) => ({
        queue,
        lane,
        run,
        reason,
        status,
        host,
        count,
        oldestAt: new Date(oldest).toISOString(),
        newestAt: new Date(newest).toISOString(),
        example: newestExample,
      }));
  }

  /** What cannot be read passes no filter but the lane's. */
  get #isFiltered(): boolean {
    const { reason, status, host, id } = this.#filter;
    return [reason, status, host, id].some((each) => each !== undefined);
  }

  #count(queue: LetterGroup["queue"], lane: string, entry: Entry): void {
    const { run, reason, status, host, at, example } = entry;
    const key = JSON.stringify([queue, lane, run, reason, status, host]);
    const group = this.#groups.get(key);
    if (group === undefined) {
      this.#groups.set(key, {
        ...entry,
        queue,
        lane,
        count: 1,
        oldest: at,
        newest: at,
        newestExample: example,
      });
      return;
    }
    group.count++;
    group.oldest = Math.min(group.oldest, at);
    if (at < group.newest) return;
    group.newest = at;
    group.newestExample = example;
  }
}

function readFailed(delivery: Delivery): readonly (Entry & { readonly letter?: Letter })[] {
  try {
    return [toEntry(decodeLetter(delivery))];
  } catch (error) {
    if (!(error instanceof SenpuError && error.code === "message")) throw error;
    return [unreadable(delivery, error.message)];
  }
}

function readDead(
  delivery: Delivery,
  lane: string,
): readonly (Entry & { readonly letter?: Letter })[] {
  const { body, sentAt: failedAt, attributes } = delivery;
  try {
    const message = decodeMessage(body);
    if (message.kind !== "calls") {
      return [unreadable(delivery, `a message of kind ${message.kind}`)];
    }
    const { run, policy } = message;
    return message.calls.map((call) =>
      toEntry({
        run,
        lane,
        call,
        policy,
        reason: "abandoned",
        status: null,
        attempts: call.attempts ?? 0,
        error: null,
        failedAt,
      }),
    );
  } catch (error) {
    if (!(error instanceof SenpuError && error.code === "message")) throw error;
    return [unreadable(delivery, attributes["reason"] ?? error.message)];
  }
}

function toEntry(letter: Letter): Entry & { readonly letter: Letter } {
  const { run, reason, status, call, error, failedAt } = letter;
  const { id, method = "GET", url } = call;
  return {
    run,
    reason,
    status,
    host: hostOf(url),
    at: failedAt,
    example: { id, method, url, error },
    letter,
  };
}

function unreadable({ attributes, sentAt }: Delivery, error: string): Entry {
  const run = attributes["run"] ?? null;
  const example = { id: attributes["call"] ?? null, method: null, url: null, error };
  return { run, reason: "unreadable", status: null, host: null, at: sentAt, example };
}
