import { Bag } from "../../shared/bag.ts";
import type { Coordination } from "../../shared/coordination/coordination.ts";
import type { Chunk } from "./chunk.ts";

/** Over before a dead holder's message is visible again, so that whoever receives it finds the chunk free. */
export const HOLD_MS = 6_000;
const RENEW_MS = HOLD_MS / 4;

/** Renews the holds of chunks with unsafe calls while this worker works on them. One that is lost is worked on no more. */
export class HoldKeeper {
  readonly #coordination: Coordination;
  readonly #onLost: () => void;
  readonly #onFailed: (error: unknown) => void;
  readonly #chunks = new Bag<Chunk>();
  #timer: NodeJS.Timeout | undefined;

  constructor(coordination: Coordination, onLost: () => void, onFailed: (error: unknown) => void) {
    this.#coordination = coordination;
    this.#onLost = onLost;
    this.#onFailed = onFailed;
  }

  add(chunk: Chunk): void {
    if (!chunk.guarded) return;
    this.#chunks.add(chunk);
    this.#timer ??= setInterval(() => void this.#renew(), RENEW_MS);
  }

  drop(chunk: Chunk): void {
    if (this.#chunks.delete(chunk) && this.#chunks.size === 0) this.close();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #renew(): Promise<void> {
    try {
      const writes = [...this.#chunks].map((chunk) => writeCheckpoint(this.#coordination, chunk));
      if ((await Promise.all(writes)).includes(false)) this.#onLost();
    } catch (error) {
      this.#onFailed(error);
    }
  }
}

/**
 * Writes what is known of the chunk, and renews its hold. False: it is lost to another, and marked so.
 * One at a time, or an older one could arrive last and unmark an unsafe call that was started meanwhile. What is asked
 * for while one is on its way goes with the next, together.
 */
export function writeCheckpoint(coordination: Coordination, chunk: Chunk): Promise<boolean> {
  const { writes } = chunk;
  const write = (): Promise<boolean> => {
    writes.next = undefined;
    const current = writeOnce(coordination, chunk).finally(() => {
      if (writes.current === current) writes.current = undefined;
    });
    writes.current = current;
    return current;
  };
  if (writes.current === undefined && writes.next === undefined) return write();
  writes.next ??= writes.current!.then(write, write);
  return writes.next;
}

async function writeOnce(coordination: Coordination, chunk: Chunk): Promise<boolean> {
  const now = Date.now();
  const written = await coordination.writeCheckpoint(chunk.key, chunk.checkpoint(now), now);
  if (!written) chunk.isLost = true;
  return written;
}
