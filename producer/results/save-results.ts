import { createWriteStream } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { answerName } from "../../shared/answers/answer-name.ts";
import type { AnswerStore } from "../../shared/answers/answer-store.ts";
import { toCsvRow } from "../../shared/answers/csv-row.ts";
import { syncFolder } from "../../shared/sync-folder.ts";
import { SenpuError, messageOf } from "../../shared/errors.ts";
import type { Ledger } from "../../shared/ledger/ledger.ts";
import type { SavePolicy } from "../../shared/model/answer-policy.ts";
import { formatQuantity } from "../../shared/terminal/format.ts";
import { settingsOf } from "../run/begin-run.ts";
import { endingOf } from "./ending.ts";
import { rootOf, savedAnswers } from "./saved-answers.ts";
import type { SavedAnswer } from "./saved-answers.ts";
import { SegmentReader } from "./segments.ts";

export interface SavedResults {
  /** Path, or `s3://bucket/prefix`. */
  readonly to: string;
  readonly format: SavePolicy["format"];
  readonly answers: number;
  /** Calls that succeeded and have no answer saved: a worker of an older version made them. */
  readonly missing: number;
}

interface Stores {
  readonly ledger: Ledger;
  readonly answers: AnswerStore;
}

/**
 * Writes a run's saved answers where its plan says, or to `to`: as a whole, in place of what was there, once each call.
 * Safe to repeat: it is made anew from the ledger and the answer store, which keep what they have. Of a replay, the
 * answers of the run that it replays are completed. Undefined for a run that saves nothing. Throws SenpuError `answers`.
 */
export async function saveResults(
  { ledger, answers }: Stores,
  run: string,
  to?: string,
): Promise<SavedResults | undefined> {
  const row = await ledger.findRun(run);
  const save = row && settingsOf(row).policy?.answers?.save;
  if (row === undefined || save === undefined) return undefined;
  const root = await rootOf(ledger, row);
  const results = new Results(answers, to === undefined ? save : { ...save, to });
  try {
    return await results.write(savedAnswers(ledger, root));
  } catch (cause) {
    if (cause instanceof SenpuError && cause.code !== "answers") throw cause;
    throw new SenpuError(
      "answers",
      `${to ?? save.to}: the answers cannot be written there (${messageOf(cause)}); nothing of them is lost: senpu save ${run} writes them once they can`,
      { cause },
    );
  }
}

export function describeSaved({ to, format, answers, missing }: SavedResults): string {
  const where = format === "s3" || format === "files" ? `${to}, one each` : to;
  const less =
    missing === 0
      ? ""
      : `; ${formatQuantity(missing, "call")} that succeeded have none: was their worker of an older senpu?`;
  return `${formatQuantity(answers, "answer")} saved in ${where}${less}`;
}

class Results {
  readonly #segments: SegmentReader;
  readonly #save: SavePolicy;
  #answers = 0;
  #missing = 0;

  constructor(store: AnswerStore, save: SavePolicy) {
    this.#segments = new SegmentReader(store);
    this.#save = save;
  }

  async write(saved: AsyncIterable<SavedAnswer>): Promise<SavedResults> {
    const { format, to } = this.#save;
    // Workers have written them there.
    if (format === "s3") for await (const { place } of saved) this.#count(place);
    else if (format === "files") await this.#writeFiles(to, saved);
    else await writeWhole(to, this.#lines(saved));
    return { to, format, answers: this.#answers, missing: this.#missing };
  }

  async *#lines(saved: AsyncIterable<SavedAnswer>): AsyncGenerator<Uint8Array> {
    const { format, columns = [] } = this.#save;
    if (format === "csv") yield Buffer.from(toCsvRow(columns.map(({ name }) => name)));
    for await (const { run, place } of saved) {
      if (this.#count(place) && "segment" in place) yield* this.#segments.read(run, place);
    }
  }

  async #writeFiles(folder: string, saved: AsyncIterable<SavedAnswer>): Promise<void> {
    await mkdir(folder, { recursive: true });
    for await (const { run, id, place } of saved) {
      if (!this.#count(place) || !("segment" in place)) continue;
      const path = join(folder, `${answerName(id)}${endingOf(place.type ?? "")}`);
      await writeWhole(path, this.#segments.read(run, place));
    }
  }

  #count<Place>(place: Place | undefined): place is Place {
    if (place === undefined) this.#missing++;
    else this.#answers++;
    return place !== undefined;
  }
}

/** Under its name only once it is whole and on the disk. */
async function writeWhole(path: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  const folder = dirname(path);
  const partial = `${path}.${process.pid}.partial`;
  await mkdir(folder, { recursive: true });
  try {
    await pipeline(content, createWriteStream(partial, { highWaterMark: 1_048_576 }));
    const file = await open(partial, "r+");
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
    await syncFolder(folder);
  } finally {
    await rm(partial, { force: true });
  }
}
