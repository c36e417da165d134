import { DEFAULT_COLUMNS, cutEnd } from "../../shared/terminal/fit.ts";

/**
 * What is being done at the moment, on stderr. On a terminal one line that is written over; elsewhere a line when
 * something else begins, and again when it has lasted. States: empty, shown.
 */
export class StatusLine {
  readonly #stream: StatusStream;
  readonly #quiet: boolean;
  #shown = false;
  #toldAt = Number.NEGATIVE_INFINITY;
  #told = "";

  constructor(stream: StatusStream, quiet: boolean) {
    this.#stream = stream;
    this.#quiet = quiet;
  }

  /** `what` begins or goes on; `detail` may change often. */
  show(what: string, detail = ""): void {
    if (this.#quiet) return;
    const text = detail === "" ? what : `${what}: ${detail}`;
    if (this.#stream.isTTY === true) {
      const columns = this.#stream.columns ?? DEFAULT_COLUMNS;
      this.#stream.write(`\r\u001b[K${cutEnd(text, columns - 1)}`);
      this.#shown = true;
      return;
    }
    const now = performance.now();
    if (what === this.#told && now - this.#toldAt < REPEAT_MS) return;
    this.#told = what;
    this.#toldAt = now;
    this.#stream.write(`${text}\n`);
  }

  /** A line that stays. */
  say(text: string): void {
    this.clear();
    if (!this.#quiet) this.#stream.write(`${text}\n`);
  }

  clear(): void {
    if (this.#shown) this.#stream.write("\r\u001b[K");
    this.#shown = false;
  }
}

interface StatusStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

const REPEAT_MS = 15_000;
