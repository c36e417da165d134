import type { SqliteFile } from "../sqlite-file.ts";
import type { Checkpoint, Held, HoldRequest } from "./coordination.ts";
import { OVER, holdCheckpoint, mayReplace } from "./hold.ts";

/** Checkpoints of chunks, as JSON, and who holds the chunk. */
export class SqliteCheckpoints {
  readonly #file: SqliteFile;

  constructor(file: SqliteFile) {
    this.#file = file;
  }

  read(chunk: string): Checkpoint | undefined {
    return this.#file.read(() => this.#find(chunk));
  }

  write(chunk: string, checkpoint: Checkpoint, now: number): boolean {
    return this.#file.write(() => {
      if (checkpoint.holder !== undefined && !mayReplace(this.#find(chunk), checkpoint)) {
        return false;
      }
      this.#put(chunk, checkpoint, now);
      return true;
    });
  }

  hold(request: HoldRequest): Held {
    const { chunk, now } = request;
    return this.#file.write(() => {
      const { held, value } = holdCheckpoint(this.#find(chunk), request);
      if (value !== undefined) this.#put(chunk, value, now);
      return held;
    });
  }

  end(chunks: readonly string[], now: number): void {
    this.#file.write(() => {
      for (const chunk of chunks) this.#put(chunk, OVER, now);
    });
  }

  #find(chunk: string): Checkpoint | undefined {
    const row = this.#file.prepare("SELECT json FROM checkpoints WHERE chunk = ?").get(chunk);
    return row && (JSON.parse(String(row["json"])) as Checkpoint);
  }

  #put(chunk: string, checkpoint: Checkpoint, now: number): void {
    this.#file
      .prepare(
        `INSERT INTO checkpoints (chunk, json, at) VALUES (?, ?, ?)
         ON CONFLICT (chunk) DO UPDATE SET json = excluded.json, at = excluded.at`,
      )
      .run(chunk, JSON.stringify(checkpoint), now);
  }

  startedUnsafe(run: string): Set<string> {
    const rows = this.#file.read(() =>
      this.#file
        .prepare(
          // Keys begin with the run's id and a slash; the character after a slash is 0.
          `SELECT DISTINCT id.value AS id FROM checkpoints, json_each(checkpoints.json, '$.unsafe') AS id
           WHERE chunk >= ? AND chunk < ?`,
        )
        .all(`${run}/`, `${run}0`),
    );
    return new Set(rows.map((row) => String(row["id"])));
  }

  remove(chunks: readonly string[]): void {
    this.#file.write(() =>
      this.#file
        .prepare("DELETE FROM checkpoints WHERE chunk IN (SELECT value FROM json_each(?))")
        .run(JSON.stringify(chunks)),
    );
  }
}
