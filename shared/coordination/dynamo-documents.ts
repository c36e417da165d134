import { randomUUID } from "node:crypto";
import type { DynamoPatience } from "./dynamo-patience.ts";
import { isConditionFailed, keyOf, numberOf, textOf } from "./dynamo-table.ts";
import type { DynamoTable, Item, Key } from "./dynamo-table.ts";

/** What is made of a document. */
export interface Change<T, R> {
  readonly result: R;
  /** What to store in its place; absent: nothing has to change. */
  readonly value?: T;
  /** When the document is of no use any more, in the store's epoch milliseconds; with `value` only. */
  readonly usefulUntil?: number;
}

/** A document as this process saw it last. */
interface Seen {
  /** Undefined: there was none. */
  readonly version: string | undefined;
  readonly value: unknown;
  /** When the request was sent that told of it (`performance.now()`): what is asked after this may be older than its asker. */
  readonly askedAt: number;
  /** This process wrote it. */
  readonly isOwn: boolean;
  /** And in the place of what it had written before: nobody else is at it, so that it need not be read first. */
  readonly isAlone: boolean;
}

/** Documents remembered, so that their next change needs no read: those of lanes and of some destinations. */
const MAX_SEEN = 1_000;
/** Time-to-live comes this much after the last use, whatever clocks say. */
const KEPT_MS = 24 * 3_600_000;

/**
 * Shared state, a document an item: read by any, changed by one at a time.
 *
 * Every write names the version that it was computed from, a name that no other write has; where another was faster,
 * it is computed anew from what that one left. So no change is lost, none is made from what is old, and a write whose
 * answer was lost is known when it is met again. Within this process changes of a document wait for one another.
 *
 * Costs a consistent read (1 unit for 4 KB, begun) and a write (1 unit a KB, begun), or the write alone while only this
 * process changes the document; and once more the write for each time that it came too late.
 */
export class DynamoDocuments {
  readonly #table: DynamoTable;
  readonly #patience: DynamoPatience;
  readonly #seen = new Map<string, Seen>();
  readonly #changing = new Map<string, Promise<unknown>>();

  constructor(table: DynamoTable, patience: DynamoPatience) {
    this.#table = table;
    this.#patience = patience;
  }

  /** `decide` must be pure: it is asked again with what another has left. Throws SenpuError `coordination`. */
  async change<T, R>(
    what: string,
    key: Key,
    decide: (value: T | undefined) => Change<T, R>,
  ): Promise<R> {
    const id = idOf(key);
    const askedAt = performance.now();
    const before = this.#changing.get(id);
    const changed = (async () => {
      await before?.catch(() => {});
      return this.#change(what, key, decide, askedAt);
    })();
    this.#changing.set(id, changed);
    try {
      return await changed;
    } finally {
      if (this.#changing.get(id) === changed) this.#changing.delete(id);
    }
  }

  async #change<T, R>(
    what: string,
    key: Key,
    decide: (value: T | undefined) => Change<T, R>,
    askedAt: number,
  ): Promise<R> {
    const startedAt = performance.now();
    const last = this.#seen.get(idOf(key));
    let seen = last?.isAlone === true || (last?.askedAt ?? 0) >= askedAt ? last : undefined;
    for (let conflicts = 0; ; conflicts++) {
      seen ??= await this.#look(what, key);
      const change = decide(seen.value as T | undefined);
      if (change.value === undefined) {
        if (seen.askedAt >= askedAt) return change.result;
        seen = undefined;
        continue;
      }
      const version = randomUUID();
      const writtenAt = performance.now();
      seen = await this.#write(what, key, seen, version, change);
      // Its own, though it was told that it came too late: the answer to a first try was lost.
      if (seen.version === version) return change.result;
      const why = "others have changed it each time";
      // The faster one is done; to miss the next takes a pause as long as such a write.
      const tookMs = performance.now() - writtenAt;
      await this.#patience.pause(what, conflicts, startedAt, why, tookMs);
    }
  }

  /** As it is now. */
  async read<T>(what: string, key: Key): Promise<T | undefined> {
    return (await this.#look(what, key)).value as T | undefined;
  }

  async #look(what: string, key: Key): Promise<Seen> {
    const askedAt = performance.now();
    const item = await this.#table.get(what, key);
    return this.#keep(key, item, askedAt);
  }

  /** Returns what stands there now, whoever wrote it. */
  async #write<T, R>(
    what: string,
    key: Key,
    from: Seen,
    version: string,
    { value, usefulUntil = 0 }: Change<T, R>,
  ): Promise<Seen> {
    const askedAt = performance.now();
    const item: Item = {
      version: { S: version },
      json: { S: JSON.stringify(value) },
      usefulUntil: { N: String(usefulUntil) },
      expiresAt: { N: expiry(usefulUntil + KEPT_MS) },
    };
    const condition =
      from.version === undefined
        ? { expression: "attribute_not_exists(pk)" }
        : { expression: "version = :from", values: { ":from": { S: from.version } } };
    try {
      await this.#table.put(what, key, item, condition);
      return this.#keep(key, item, askedAt, {
        isOwn: true,
        isAlone: from.isOwn || from.version === undefined,
      });
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
      // DynamoDB tells what there is; not every endpoint does, nor does it of an item that is gone.
      return error.Item === undefined
        ? await this.#look(what, key)
        : this.#keep(key, error.Item, askedAt);
    }
  }

  /** Removes a document, as a scan found it, that was of no use any more before `before`; unless it changes meanwhile. */
  async prune(what: string, item: Item, before: number): Promise<void> {
    if (numberOf(item, "usefulUntil") >= before) return;
    const key = keyOf(item);
    this.#seen.delete(idOf(key));
    await this.#table.removeIf(what, key, {
      expression: "version = :from",
      values: { ":from": { S: textOf(item, "version") } },
    });
  }

  #keep(
    key: Key,
    item: Item | undefined,
    askedAt: number,
    whose: Pick<Seen, "isOwn" | "isAlone"> = { isOwn: false, isAlone: false },
  ): Seen {
    const id = idOf(key);
    const version = item && textOf(item, "version");
    const last = this.#seen.get(id);
    const { isOwn, isAlone } = last?.version === version && last?.isOwn ? last : whose;
    const seen: Seen = { version, value: item && documentOf(item), askedAt, isOwn, isAlone };
    this.#seen.delete(id);
    this.#seen.set(id, seen);
    if (this.#seen.size > MAX_SEEN) {
      const [oldest = id] = this.#seen.keys();
      this.#seen.delete(oldest);
    }
    return seen;
  }
}

/** The value of a document's item. */
export function documentOf(item: Item): unknown {
  return JSON.parse(textOf(item, "json"));
}

/** `expiresAt`: epoch seconds, from the store's epoch milliseconds. */
export function expiry(atMs: number): string {
  return String(Math.ceil(atMs / 1000));
}

function idOf({ pk, sk }: Key): string {
  return `${pk}\n${sk}`;
}
