/** A command to the terminal, or one character. */
const TOKENS = /\p{Cc}\[[?\d;]*[A-Za-z]|[^]/gu;
const COMMAND = /^\p{Cc}\[([?\d;]*)([A-Za-z])$/u;

/** As much of a terminal as progress needs: wrapping at the width, line feeds, cursor up, clear below. */
export class FakeScreen {
  columns: number;
  #rows: string[] = [""];
  #row = 0;
  #column = 0;

  constructor(columns: number) {
    this.columns = columns;
  }

  write(text: string): void {
    for (const [token] of text.matchAll(TOKENS)) this.#take(token);
  }

  /** Reflows as terminals do: what is wider than the screen takes more rows. */
  resize(columns: number): void {
    this.columns = columns;
    const above = this.#rows.slice(0, this.#row).flatMap((row) => this.#split(row));
    this.#rows = [...above, ...this.#rows.slice(this.#row)];
    this.#row = above.length;
  }

  /** What a person sees, without empty lines at the end. */
  lines(): string[] {
    const last = this.#rows.findLastIndex((row) => row !== "");
    return this.#rows.slice(0, last + 1);
  }

  #take(token: string): void {
    const command = COMMAND.exec(token);
    if (command !== null) {
      if (command[2] === "A") this.#row = Math.max(0, this.#row - Number(command[1] || "1"));
      if (command[2] === "J") {
        this.#rows = this.#rows.slice(0, this.#row + 1);
        this.#rows[this.#row] = this.#rows[this.#row]!.slice(0, this.#column);
      }
      return;
    }
    if (token === "\r") {
      this.#column = 0;
    } else if (token === "\n") {
      this.#nextRow();
    } else {
      if (this.#column >= this.columns) this.#nextRow();
      const row = this.#rows[this.#row]!;
      this.#rows[this.#row] = row.slice(0, this.#column) + token + row.slice(this.#column + 1);
      this.#column++;
    }
  }

  #nextRow(): void {
    this.#row++;
    this.#column = 0;
    this.#rows[this.#row] ??= "";
  }

  #split(row: string): string[] {
    if (row === "") return [row];
    const count = Math.ceil(row.length / this.columns);
    return Array.from({ length: count }, (_, i) =>
      row.slice(i * this.columns, (i + 1) * this.columns),
    );
  }
}
