import { CHUNK_MAX_BYTES } from "../limits.ts";
import { MESSAGE_VERSION, encodeMessage } from "./message.ts";
import type { Answer } from "./answer.ts";
import type { SucceededRow } from "./message.ts";
import type { Outcome } from "./outcome.ts";

/** UTF-8 bytes that a UTF-16 unit takes at the most, once escaped as JSON. */
const MAX_BYTES_PER_UNIT = 6;
/** Field names and numbers of one outcome, generously. */
const OUTCOME_FRAME_BYTES = 220;
const ROW_FRAME_BYTES = 90;

/**
 * Message bodies that carry these outcomes of one run and lane, each within the bytes of a chunk.
 * Sizes are bounded from above, not counted, because counting costs as much as encoding.
 */
export function encodeOutcomes(
  run: string,
  lane: string,
  worker: string,
  outcomes: readonly Outcome[],
): string[] {
  const bodies: string[] = [];
  let succeeded: SucceededRow[] = [];
  let others: Outcome[] = [];
  let bytes = 0;
  const finish = (): void => {
    if (succeeded.length + others.length === 0) return;
    bodies.push(
      encodeMessage({ v: MESSAGE_VERSION, kind: "outcomes", run, worker, lane, succeeded, others }),
    );
    succeeded = [];
    others = [];
    bytes = 0;
  };
  for (const outcome of outcomes) {
    const row = succeededRow(outcome);
    const size =
      row === null
        ? OUTCOME_FRAME_BYTES +
          MAX_BYTES_PER_UNIT * (outcome.id.length + (outcome.error?.length ?? 0)) +
          (outcome.answer === undefined ? 0 : answerBytes(outcome.answer))
        : ROW_FRAME_BYTES + MAX_BYTES_PER_UNIT * outcome.id.length;
    if (bytes + size > CHUNK_MAX_BYTES) finish();
    bytes += size;
    if (row === null) others.push(outcome);
    else succeeded.push(row);
  }
  finish();
  return bodies;
}

function answerBytes(answer: Answer): number {
  return Buffer.byteLength(JSON.stringify(answer)) + ROW_FRAME_BYTES;
}

function succeededRow(outcome: Outcome): SucceededRow | null {
  const { id, state, status, attempts, startedAt, settledAt, latencyMs } = outcome;
  if (
    state !== "succeeded" ||
    status === undefined ||
    startedAt === undefined ||
    latencyMs === undefined ||
    // In full, among the others.
    outcome.answer !== undefined
  ) {
    return null;
  }
  return [id, status, attempts, startedAt, settledAt, latencyMs];
}
