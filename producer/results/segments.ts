import type { AnswerStore } from "../../shared/answers/answer-store.ts";
import { SenpuError } from "../../shared/errors.ts";
import type { SavedPlace } from "../../shared/model/answer.ts";

type InStore = Extract<SavedPlace, { segment: string }>;

/** An answer up to this lies in a segment with others, which is read as a whole: calls of one segment come close together. */
const SHARED_BYTES = 256 * 1024;
/** Segments kept at once; each has some MB at the most. */
const MAX_LOADED = 16;

/** Reads saved answers in the order of their calls, each segment of many as seldom as memory allows. */
export class SegmentReader {
  readonly #store: AnswerStore;
  readonly #loaded = new Map<string, Promise<Buffer>>();

  constructor(store: AnswerStore) {
    this.#store = store;
  }

  /** Throws SenpuError `answers`. */
  async *read(run: string, { segment, at, bytes }: InStore): AsyncGenerator<Uint8Array> {
    if (bytes > SHARED_BYTES) {
      yield* this.#store.read(run, segment, at, bytes) as AsyncIterable<Uint8Array>;
      return;
    }
    const whole = await this.#load(run, segment);
    if (at + bytes > whole.length) {
      throw new SenpuError(
        "answers",
        `a saved answer is damaged: ${run}/${segment} has ${whole.length} bytes, and one is at ${at}`,
      );
    }
    yield whole.subarray(at, at + bytes);
  }

  #load(run: string, segment: string): Promise<Buffer> {
    const key = `${run}/${segment}`;
    const loaded = this.#loaded.get(key) ?? this.#store.load(run, segment);
    // The last used is the last to go.
    this.#loaded.delete(key);
    this.#loaded.set(key, loaded);
    const [oldest] = this.#loaded.keys();
    if (this.#loaded.size > MAX_LOADED && oldest !== undefined) this.#loaded.delete(oldest);
    return loaded;
  }
}
