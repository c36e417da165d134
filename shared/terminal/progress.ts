import { DEFAULT_COLUMNS, widthOf } from "./fit.ts";
import { addSample } from "./rate-history.ts";
import type { RateHistory } from "./rate-history.ts";
import { renderProgress, renderProgressLine } from "./render-progress.ts";
import type { ProgressSnapshot } from "./render-progress.ts";

/**
 * Live progress on stderr.
 *
 * On a terminal: a block of lines, redrawn in place at most ten times a second. `end` takes it away again, because the
 * summary follows. The cursor is never hidden: what is killed leaves a terminal as it should be.
 * Elsewhere: a plain line now and then, the first only after five seconds, so that short runs leave none.
 * States: idle (nothing drawn), drawn, ended (writes nothing more).
 */
export interface Progress {
  /** Call it as often as you like, and at least four times a second for a smooth display. */
  update(snapshot: ProgressSnapshot): void;
  /** A line of text above the block, for a warning. Written under `quiet` too: it is no progress. */
  say(text: string): void;
  /** Takes the block away; may be called twice. */
  end(): void;
}

export interface ProgressOptions {
  readonly stream: ProgressStream;
  readonly isTty: boolean;
  /** Width to keep within; absent: the stream's own at each redraw, else 80. */
  readonly columns?: number | undefined;
  readonly color: boolean;
  /** Draws nothing. */
  readonly quiet: boolean;
  /** Milliseconds of any clock that only goes forward. */
  readonly now: () => number;
}

interface ProgressStream {
  write(text: string): unknown;
  readonly columns?: number;
}

const REDRAW_EVERY_MS = 100;
/** Plain lines: every five seconds at first, and rarer once somebody who reads the log has seen how it goes. */
const PLAIN_EVERY_MS = 5_000;
const PLAIN_LATER_EVERY_MS = 30_000;
const PLAIN_LATER_FROM_MS = 60_000;

/** Terminals that know synchronized output show each frame whole; the others ignore this. */
const FRAME_BEGIN = "\u001b[?2026h";
const FRAME_END = "\u001b[?2026l";
const CLEAR_BELOW = "\u001b[J";

export function createProgress(options: ProgressOptions): Progress {
  if (options.quiet) return new PlainProgress(options, Number.POSITIVE_INFINITY);
  return options.isTty ? new LiveProgress(options) : new PlainProgress(options, PLAIN_EVERY_MS);
}

class LiveProgress implements Progress {
  readonly #options: ProgressOptions;
  #history: RateHistory = [];
  #snapshot: ProgressSnapshot | undefined;
  #drawn: readonly string[] = [];
  #drawnAt = Number.NEGATIVE_INFINITY;
  #ended = false;

  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  update(snapshot: ProgressSnapshot): void {
    if (this.#ended) return;
    this.#snapshot = snapshot;
    this.#history = addSample(this.#history, sampleOf(snapshot));
    if (this.#options.now() - this.#drawnAt >= REDRAW_EVERY_MS) this.#draw("");
  }

  say(text: string): void {
    if (this.#ended || this.#snapshot === undefined) this.#options.stream.write(`${text}\n`);
    else this.#draw(`${text}\n`);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#drawn.length > 0) this.#options.stream.write(`${this.#backToTop()}${CLEAR_BELOW}`);
    this.#drawn = [];
  }

  #draw(above: string): void {
    const top = `${this.#backToTop()}${CLEAR_BELOW}`;
    // The last column stays free: some terminals wrap when it is written.
    this.#drawn = renderProgress(
      this.#snapshot!,
      this.#history,
      this.#columns() - 1,
      this.#options.color,
    );
    this.#drawnAt = this.#options.now();
    this.#options.stream.write(
      `${FRAME_BEGIN}${top}${above}${this.#drawn.join("\n")}\n${FRAME_END}`,
    );
  }

  /** Rows are counted at the width that holds now: a terminal made narrower has wrapped what was drawn. */
  #backToTop(): string {
    const columns = this.#columns();
    const rows = this.#drawn.reduce(
      (sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / columns)),
      0,
    );
    return rows === 0 ? "" : `\u001b[${rows}A\r`;
  }

  #columns(): number {
    return Math.max(20, this.#options.columns ?? this.#options.stream.columns ?? DEFAULT_COLUMNS);
  }
}

class PlainProgress implements Progress {
  readonly #options: ProgressOptions;
  readonly #everyMs: number;
  #history: RateHistory = [];
  #startedAt: number | undefined;
  #writtenAt = 0;
  #ended = false;

  constructor(options: ProgressOptions, everyMs: number) {
    this.#options = options;
    this.#everyMs = everyMs;
  }

  update(snapshot: ProgressSnapshot): void {
    if (this.#ended) return;
    const now = this.#options.now();
    this.#history = addSample(this.#history, sampleOf(snapshot));
    if (this.#startedAt === undefined) {
      this.#startedAt = now;
      this.#writtenAt = now;
    }
    const isLater = now - this.#startedAt > PLAIN_LATER_FROM_MS;
    const dueMs = isLater ? Math.max(this.#everyMs, PLAIN_LATER_EVERY_MS) : this.#everyMs;
    if (now - this.#writtenAt < dueMs) return;
    this.#writtenAt = now;
    this.#options.stream.write(`${renderProgressLine(snapshot, this.#history)}\n`);
  }

  say(text: string): void {
    this.#options.stream.write(`${text}\n`);
  }

  end(): void {
    this.#ended = true;
  }
}

function sampleOf(snapshot: ProgressSnapshot): { elapsedMs: number; done: number } {
  return { elapsedMs: snapshot.elapsedMs, done: snapshot.planned - snapshot.pending };
}
