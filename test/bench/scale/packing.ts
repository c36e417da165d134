import { shutBody } from "../../../shared/broker/body.ts";
import { packBatches } from "../../../shared/broker/pack-batches.ts";
import {
  SNS_MAX_BATCH_BYTES,
  SNS_MAX_BATCH_ENTRIES,
  SQS_MAX_BATCH_ENTRIES,
} from "../../../shared/limits.ts";
import { encodeOutcomes } from "../../../shared/model/encode-outcomes.ts";
import type { Call } from "../../../shared/model/call.ts";
import type { Lane } from "../../../shared/model/lane.ts";
import { chunkCalls } from "../../../producer/publish/chunk-size.ts";
import { Packer } from "../../../producer/publish/pack.ts";
import type { PackedChunk } from "../../../producer/publish/pack.ts";
import { makePolicy } from "../../support/policy.ts";

export interface PackedRun {
  readonly calls: number;
  readonly messages: number;
  /** As they travel, compressed. */
  readonly bytes: number;
  readonly largestBytes: number;
  /** Requests of SNS that carry the calls. */
  readonly publishes: number;
  /** Messages of outcomes, where each flush is as full as it may be. */
  readonly outcomeMessages: number;
  readonly outcomeBytes: number;
  /** Receives, and deletes, of the lane queue and the ledger queue, full batches. */
  readonly queueRequests: number;
}

const FLUSH_CALLS = 2_000;

/** So many calls through the real packer, chunk sizes, compression and batches; nothing is sent. */
export function packRun(calls: Iterable<Call>, lane: Lane): PackedRun {
  const frame = { run: "20260801t000000-abcdef", generation: 1, lane: lane.name };
  let names = 0;
  const packer = new Packer({ ...frame, policy: makePolicy() }, () => `c${names++}`);
  const count = {
    calls: 0,
    messages: 0,
    bytes: 0,
    largestBytes: 0,
    publishes: 0,
    outcomeMessages: 0,
    outcomeBytes: 0,
  };
  let waiting: { body: string }[] = [];
  let settled: Call[] = [];
  const publish = (): void => {
    const limits = {
      maxEntries: SNS_MAX_BATCH_ENTRIES,
      maxBytes: SNS_MAX_BATCH_BYTES,
      name: "SNS PublishBatch",
    };
    count.publishes += packBatches(waiting, limits).length;
    waiting = [];
  };
  const take = (chunk: PackedChunk | undefined): void => {
    if (chunk === undefined) return;
    const body = shutBody(chunk.body);
    count.messages++;
    count.calls += chunk.calls;
    count.bytes += body.length;
    count.largestBytes = Math.max(count.largestBytes, body.length);
    waiting.push({ body });
    if (waiting.length === SNS_MAX_BATCH_ENTRIES) publish();
  };
  const tell = (): void => {
    const bodies = encodeOutcomes(frame.run, lane.name, "worker", settled.map(succeeded));
    count.outcomeMessages += bodies.length;
    for (const body of bodies) count.outcomeBytes += shutBody(body).length;
    settled = [];
  };
  for (const call of calls) {
    const packed = packer.add(call, chunkCalls(count.calls, lane));
    if (packed === "too large") throw new RangeError(`${call.id} needs a claim`);
    take(packed);
    if (settled.push(call) === FLUSH_CALLS) tell();
  }
  take(packer.take());
  publish();
  tell();
  const received = 2 * count.messages + count.outcomeMessages;
  return { ...count, queueRequests: 2 * Math.ceil(received / SQS_MAX_BATCH_ENTRIES) };
}

function succeeded({ id }: Call) {
  const startedAt = 1_785_542_400_000;
  return {
    id,
    state: "succeeded" as const,
    status: 200,
    attempts: 1,
    startedAt,
    settledAt: startedAt + 41,
    latencyMs: 40.7,
  };
}

/** As customers are updated one by one: an id, a path of its own, and a body of about so many bytes (0: none). */
export function* customerCalls(count: number, bodyBytes: number): Generator<Call> {
  for (let nth = 0; nth < count; nth++) {
    const id = String(nth).padStart(9, "0");
    const url = `https://api.example.com/customers/${id}`;
    if (bodyBytes === 0) yield { id, url };
    else yield { id, method: "PUT", url, json: JSON.stringify({ id, note: note(nth, bodyBytes) }) };
  }
}

/** Text that compresses as words do, not as one letter does. */
function note(nth: number, bytes: number): string {
  let seed = nth + 1;
  let text = "";
  while (text.length < bytes) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    text += WORDS[(seed >>> 16) % WORDS.length]!;
  }
  return text.slice(0, bytes);
}

const WORDS = "customer order paid shipped returned late yes no north south east west 2026 10 250 "
  .split(" ")
  .map((word) => `${word} `);
