import type { Readable } from "node:stream";
import { SenpuError } from "../errors.ts";
import { isSegment } from "../model/answer.ts";
import { canName } from "../model/claim.ts";

/**
 * The answer store port: where the saved form of answers lies from the moment that a worker has it until the run's
 * results are gathered, and after, until the run is forgotten.
 *
 * In: segments, each written once under a name that nobody else has, by whoever made the calls. Out: parts of them. Which
 * part is a call's is said by its outcome alone: what a crash, a redelivery or a second worker has written beside it is
 * named by nobody, and never read. Every method throws SenpuError `answers` when the store fails or refuses.
 */
export interface AnswerStore {
  /** A new segment of these bytes, one behind the other; durable when it resolves. Returns its name. */
  write(run: string, parts: readonly Uint8Array[]): Promise<string>;
  /** A file for a segment too large for memory: write it, then `keep` or `discard` it. */
  begin(run: string): Promise<SegmentFile>;
  /** A whole segment that was given to `write`, or so small. */
  load(run: string, segment: string): Promise<Buffer>;
  /** Bytes of a segment. What is not there, or is too short, fails the stream with SenpuError `answers`. */
  read(run: string, segment: string, at: number, bytes: number): Readable;
  /** Removes what is kept of a run. */
  removeRun(run: string): Promise<void>;
  close(): Promise<void>;
}

/** A segment while it is written: its path is this process's until then. */
export interface SegmentFile {
  readonly path: string;
  /** Durable when it resolves. Returns the segment's name. */
  keep(): Promise<string>;
  discard(): Promise<void>;
}

export function checkSegment(segment: string): void {
  if (isSegment(segment)) return;
  throw new SenpuError("answers", `no segment has the name ${JSON.stringify(segment)}`);
}

export function checkRun(run: string): void {
  if (canName(run)) return;
  throw new SenpuError(
    "answers",
    `run ${JSON.stringify(run)} cannot have answers saved: no name for files`,
  );
}
