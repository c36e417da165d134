import type { Coordination } from "../../shared/coordination/coordination.ts";
import { isUnsafe } from "../../shared/model/call.ts";
import type { Chunk } from "./chunk.ts";
import { writeCheckpoint } from "./hold.ts";

/** Unsafe calls marked as started in one write of the checkpoint. */
const MARK_AHEAD = 8;

/** Marks unsafe calls as started before they are, so that after a crash none of them is repeated. */
export class StartMarker {
  readonly #coordination: Coordination;
  readonly #onMarked: () => void;
  readonly #onFailed: (error: unknown) => void;

  constructor(
    coordination: Coordination,
    onMarked: () => void,
    onFailed: (error: unknown) => void,
  ) {
    this.#coordination = coordination;
    this.#onMarked = onMarked;
    this.#onFailed = onFailed;
  }

  /** May the chunk's next call be started? False: its mark is being written, and `onMarked` follows. */
  mayStart(chunk: Chunk): boolean {
    if (!chunk.guarded) return true;
    if (chunk.marking) return false;
    const call = chunk.message.calls[chunk.next];
    if (chunk.next < chunk.startedBelow || call === undefined) return true;
    if (!isUnsafe(call.method ?? "GET")) return true;
    chunk.marking = true;
    chunk.startedBelow = chunk.next + MARK_AHEAD;
    writeCheckpoint(this.#coordination, chunk)
      .then(() => {
        chunk.marking = false;
        return this.#onMarked();
      })
      .catch(this.#onFailed);
    return false;
  }
}
