import type { AnswerStore } from "../../shared/answers/answer-store.ts";
import type { Answer } from "../../shared/model/answer.ts";
import type { AnswerPolicy } from "../../shared/model/answer-policy.ts";
import type { CallTask } from "../receive/chunk.ts";
import { AnswerReader } from "./answer-reader.ts";
import type { StagedAnswer } from "./answer-reader.ts";
import { AnswerUse } from "./answer-use.ts";
import type { Look } from "./look.ts";
import type { ResultObjects } from "./result-objects.ts";
import { objectSink, storeSink } from "./sinks.ts";

/** One segment of many small answers: read again as a whole when results are gathered. */
const MAX_SEGMENT_BYTES = 4 * 1024 * 1024;

/** An answer's saved form that is not on any disk yet. */
export interface Staged {
  readonly run: string;
  readonly answer: Answer | undefined;
  readonly staged: StagedAnswer;
}

/** A worker's answers: readers for those that are looked at or kept, and the place where what is saved lasts. */
export class AnswerDesk {
  readonly #store: AnswerStore;
  readonly #onLost: (error: unknown) => void;
  /** Loaded when a policy first asks, since most never do. */
  readonly #looks = new WeakMap<AnswerPolicy, Promise<Look>>();
  #objects: Promise<ResultObjects> | undefined;

  constructor(store: AnswerStore, onLost: (error: unknown) => void) {
    this.#store = store;
    this.#onLost = onLost;
  }

  /** Readers for the answers of a call. */
  reading({ call, chunk }: CallTask, answers: AnswerPolicy): () => AnswerReader {
    const { run, policy } = chunk.message;
    const { save } = answers;
    const sink =
      save?.format === "s3"
        ? objectSink(() => this.#open(), save.to, run, call.id)
        : storeSink(this.#store, run, save?.format === "files");
    const use = new AnswerUse(call, policy, answers, sink, () => this.#lookOf(answers));
    return () => new AnswerReader(use, this.#onLost);
  }

  /**
   * Brings answers where they last, many in one segment; their places, in the same order. Throws SenpuError `answers`:
   * then none of them counts.
   */
  async commit(entries: readonly Staged[]): Promise<Answer[]> {
    const answers = new Map<Staged, Answer>();
    for (const [run, ofRun] of Map.groupBy(entries, (entry) => entry.run)) {
      for (const group of inSegments(ofRun)) {
        const segment = await this.#store.write(
          run,
          group.map(({ staged }) => staged.bytes),
        );
        let at = 0;
        for (const entry of group) {
          const { bytes, type } = entry.staged;
          const place = { segment, at, bytes: bytes.length };
          const saved = type === undefined ? place : { ...place, type };
          answers.set(entry, { ...entry.answer, saved });
          at += bytes.length;
        }
      }
    }
    return entries.map((entry) => answers.get(entry)!);
  }

  async close(): Promise<void> {
    (await this.#objects?.catch(() => undefined))?.close();
  }

  #lookOf(answers: AnswerPolicy): Promise<Look> {
    let look = this.#looks.get(answers);
    if (look === undefined) {
      look = import("./look.ts").then(({ Look }) => new Look(answers));
      this.#looks.set(answers, look);
    }
    return look;
  }

  #open(): Promise<ResultObjects> {
    return (this.#objects ??= import("./result-objects.ts").then(
      ({ ResultObjects }) => new ResultObjects(),
    ));
  }
}

function* inSegments(entries: readonly Staged[]): Generator<Staged[]> {
  let group: Staged[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const size = entry.staged.bytes.length;
    if (group.length > 0 && bytes + size > MAX_SEGMENT_BYTES) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(entry);
    bytes += size;
  }
  if (group.length > 0) yield group;
}
