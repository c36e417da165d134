import type { Chunk } from "./chunk.ts";

interface RunChunks {
  readonly run: string;
  readonly chunks: Chunk[];
}

/**
 * Chunks with calls to start, of all runs in turn, a call at a time: a run of ten calls does not wait for what is at hand
 * of a run of a million. Chunks of one run are served in their order.
 */
export class ReadyLine {
  readonly #runs: RunChunks[] = [];
  #turn = 0;

  push(chunk: Chunk): void {
    const { run } = chunk.message;
    const known = this.#runs.find((other) => other.run === run);
    if (known === undefined) this.#runs.push({ run, chunks: [chunk] });
    else known.chunks.push(chunk);
  }

  /** The chunk whose turn it is. */
  get head(): Chunk | undefined {
    return this.#runs[this.#turn]?.chunks[0];
  }

  /** Next, another run's turn. */
  turn(): void {
    if (++this.#turn >= this.#runs.length) this.#turn = 0;
  }

  /** Chunks in the order of their turns: the first of each run, then what lies behind them. */
  *all(): Generator<Chunk> {
    const runs = [...this.#runs.slice(this.#turn), ...this.#runs.slice(0, this.#turn)];
    const longest = Math.max(0, ...runs.map(({ chunks }) => chunks.length));
    for (let place = 0; place < longest; place++) {
      for (const { chunks } of runs) {
        const chunk = chunks[place];
        if (chunk !== undefined) yield chunk;
      }
    }
  }

  remove(chunk: Chunk): void {
    const at = this.#runs.findIndex(({ run }) => run === chunk.message.run);
    const chunks = this.#runs[at]?.chunks;
    if (chunks === undefined) return;
    const place = chunks.indexOf(chunk);
    if (place !== -1) chunks.splice(place, 1);
    if (chunks.length > 0) {
      if (at === this.#turn) this.turn();
      return;
    }
    this.#runs.splice(at, 1);
    if (at < this.#turn) this.#turn--;
    if (this.#turn >= this.#runs.length) this.#turn = 0;
  }

  /** Runs that have calls here. */
  get runs(): number {
    return this.#runs.length;
  }

  clear(): Chunk[] {
    const chunks = [...this.all()];
    this.#runs.length = 0;
    this.#turn = 0;
    return chunks;
  }
}
