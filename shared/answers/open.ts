import { Readable } from "node:stream";
import { environmentVariable } from "../environment.ts";
import type { AnswerStore, SegmentFile } from "./answer-store.ts";
import { openFolderAnswers } from "./folder-answers.ts";

/**
 * Where answers that are saved lie until results are gathered: in S3 if `SENPU_ANSWERS_BUCKET` names a bucket (or
 * bucket/prefix), else in that folder. S3's client is loaded when it is first needed.
 */
export function openAnswers(folder: string): AnswerStore {
  const place = environmentVariable("SENPU_ANSWERS_BUCKET");
  if (place === undefined || place === "") return openFolderAnswers(folder);
  return new LazyAnswers(async () => (await import("./s3-answers.ts")).openS3Answers(place));
}

class LazyAnswers implements AnswerStore {
  readonly #open: () => Promise<AnswerStore>;
  #opened: Promise<AnswerStore> | undefined;

  constructor(open: () => Promise<AnswerStore>) {
    this.#open = open;
  }

  async write(run: string, parts: readonly Uint8Array[]): Promise<string> {
    return (await this.#store()).write(run, parts);
  }

  async begin(run: string): Promise<SegmentFile> {
    return (await this.#store()).begin(run);
  }

  async load(run: string, segment: string): Promise<Buffer> {
    return (await this.#store()).load(run, segment);
  }

  read(run: string, segment: string, at: number, bytes: number): Readable {
    return Readable.from(this.#read(run, segment, at, bytes), { objectMode: false });
  }

  async *#read(run: string, segment: string, at: number, bytes: number): AsyncGenerator<Buffer> {
    yield* (await this.#store()).read(run, segment, at, bytes);
  }

  async removeRun(run: string): Promise<void> {
    await (await this.#store()).removeRun(run);
  }

  async close(): Promise<void> {
    await (await this.#opened)?.close();
  }

  #store(): Promise<AnswerStore> {
    return (this.#opened ??= this.#open());
  }
}
