/** How far ahead a worker looks: long enough to cover a receive, short enough to leave others their share of a run's end. */
const AHEAD_MS = 100;

/** How many calls start in {@link AHEAD_MS}, from those of the last such while. */
export class Pace {
  #since = 0;
  #started = 0;
  #ahead = 0;

  /** A call starts; `now` in milliseconds of any clock that only goes forward. */
  note(now: number): void {
    const elapsedMs = now - this.#since;
    if (elapsedMs >= AHEAD_MS) {
      this.#ahead = Math.ceil((this.#started * AHEAD_MS) / elapsedMs);
      this.#since = now;
      this.#started = 0;
    }
    this.#started++;
  }

  get ahead(): number {
    return this.#ahead;
  }
}
