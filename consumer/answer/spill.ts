import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import type { SegmentFile } from "../../shared/answers/answer-store.ts";
import { SenpuError, messageOf } from "../../shared/errors.ts";
import type { SavedPlace } from "../../shared/model/answer.ts";
import type { AnswerSink } from "./answer-use.ts";
import type { Converter } from "./convert.ts";

/**
 * A body too large for memory, on its way into a file, in the form in which it is saved: chunk by chunk, each written
 * before the next is asked for. Throws SenpuError `answers` when the disk does not take it.
 */
export class Spill {
  readonly #file: SegmentFile;
  readonly #convert: Converter;
  readonly #tail: string;
  #handle: FileHandle | undefined;
  #bytes = 0;

  constructor(file: SegmentFile, convert: Converter, tail: string) {
    this.#file = file;
    this.#convert = convert;
    this.#tail = tail;
  }

  async open(head: string): Promise<void> {
    this.#handle = await this.#reach(() => open(this.#file.path, "w", 0o600));
    await this.#write(Buffer.from(head));
  }

  /** Throws AnswerFault for what is not in its charset. */
  async add(chunk: Buffer): Promise<void> {
    await this.#write(this.#convert.add(chunk));
  }

  async keep(sink: AnswerSink, type: string): Promise<SavedPlace> {
    await this.#write(this.#convert.end());
    await this.#write(Buffer.from(this.#tail));
    await this.#reach(async () => this.#handle?.close());
    this.#handle = undefined;
    return sink.place(await this.#file.keep(), this.#bytes, type);
  }

  async discard(): Promise<void> {
    await this.#handle?.close().catch(() => {});
    this.#handle = undefined;
    await this.#file.discard().catch(() => {});
  }

  async #write(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    this.#bytes += bytes.length;
    await this.#reach(async () => this.#handle?.writeFile(bytes));
  }

  async #reach<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw new SenpuError("answers", `an answer cannot be saved: ${messageOf(cause)}`, { cause });
    }
  }
}
