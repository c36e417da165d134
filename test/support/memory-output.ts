import { Writable } from "node:stream";

/** A command's output as text; a pipe unless `columns` makes it a terminal without colours. */
export class MemoryOutput extends Writable {
  readonly isTTY: boolean;
  readonly columns?: number;
  /** Bytes that were written and not yet taken, at most. */
  mostBuffered = 0;
  #text = "";

  constructor(columns?: number) {
    super({ highWaterMark: 1_024 });
    this.isTTY = columns !== undefined;
    if (columns !== undefined) this.columns = columns;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.mostBuffered = Math.max(this.mostBuffered, this.writableLength);
    this.#text += chunk.toString();
    // Later, as a slow reader would: whoever ignores backpressure is seen to.
    setImmediate(done);
  }

  get text(): string {
    return this.#text;
  }

  get lines(): string[] {
    return this.#text.split("\n").slice(0, -1);
  }
}
