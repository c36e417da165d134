import { tmpdir } from "node:os";
import { openFolderAnswers } from "../shared/answers/folder-answers.ts";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Broker, Depth } from "../shared/broker/broker.ts";
import type { ClaimStore } from "../shared/claims/claim-store.ts";
import type { SampleAnswer, SampleCall } from "../shared/command.ts";
import { createMemoryCoordination } from "../shared/coordination/memory-coordination.ts";
import { leastFunctionMs } from "../shared/lambda/function-time.ts";
import { decodeMessage } from "../shared/model/message.ts";
import type { SucceededRow } from "../shared/model/message.ts";
import type { Outcome } from "../shared/model/outcome.ts";
import { AccessBook } from "./auth/access-book.ts";
import { workBatch } from "./entries/work-batch.ts";

/** Of a body, that is kept to be shown. */
const SHOWN_BYTES = 512;
/** Beside the call's own time. */
const SPARE_MS = 10_000;

/**
 * Makes some calls as a worker would, one after the other, outside of any run: nothing is published, recorded or kept.
 * What a run's workers do to a call is done to these. `claims`: for what is too large for a message.
 */
export async function sampleCalls(
  calls: readonly SampleCall[],
  claims: ClaimStore,
  onAnswer: (answer: SampleAnswer) => void,
): Promise<void> {
  const accesses = new AccessBook();
  for (const call of calls) onAnswer(await sampleCall(call, claims, accesses));
}

async function sampleCall(
  { id, lane, body, timeoutMs }: SampleCall,
  claims: ClaimStore,
  accesses: AccessBook,
): Promise<SampleAnswer> {
  const broker = new OutcomeCatcher();
  const wire = new BodyWatch();
  const sentAt = Date.now();
  try {
    await workBatch(
      {
        broker,
        claims,
        accesses,
        // Nothing is saved of a sample: its policy says so.
        answers: openFolderAnswers(tmpdir()),
        coordination: createMemoryCoordination(),
        limit: { lane, concurrency: 1 },
        worker: "sample",
        endsAt: sentAt + leastFunctionMs(timeoutMs) + SPARE_MS,
      },
      [{ receipt: id, body, attributes: { kind: "calls", lane }, receiveCount: 1, sentAt }],
    );
  } finally {
    wire.close();
  }
  const { outcome } = broker;
  if (outcome === undefined) {
    return { id, lane, state: "failed", error: "it was put back: there was no time for it" };
  }
  const { state, reason, status, latencyMs, error } = outcome;
  // Whoever else asked something on the way, for a token for instance, is not shown.
  const seen = status !== undefined && wire.status === status ? wire.seen : undefined;
  return {
    id,
    lane,
    state,
    ...(reason === undefined ? {} : { reason }),
    ...(status === undefined ? {} : { status }),
    ...(latencyMs === undefined ? {} : { latencyMs }),
    ...(error === undefined ? {} : { error }),
    ...seen,
  };
}

function toOutcome(row: SucceededRow): Outcome {
  const [id, status, attempts, startedAt, settledAt, latencyMs] = row;
  return { id, state: "succeeded", status, attempts, startedAt, settledAt, latencyMs };
}

/** Takes what a worker tells of its calls, and hands nothing on. */
class OutcomeCatcher implements Broker {
  outcome: Outcome | undefined;

  async publish(_topic: string, entries: readonly { readonly body: string }[]): Promise<void> {
    for (const { body } of entries) {
      const message = decodeMessage(body);
      if (message.kind !== "outcomes") continue;
      const [row] = message.succeeded;
      this.outcome = row === undefined ? message.others[0] : toOutcome(row);
    }
  }
  async ensure(): Promise<void> {}
  async send(): Promise<void> {}
  async remove(): Promise<void> {}
  async release(): Promise<void> {}
  async close(): Promise<void> {}
  async receive(): Promise<[]> {
    return [];
  }
  async extend(): Promise<[]> {
    return [];
  }
  async lanes(): Promise<[]> {
    return [];
  }
  async depth(): Promise<Depth> {
    return { visible: 0, notVisible: 0, delayed: 0 };
  }
}

/** The newest answer that came over the wire, by undici's own channels: attempts read bodies to their end and keep none. */
class BodyWatch {
  status: number | undefined;
  #request: unknown;
  #bytes = 0;
  #kept: Buffer[] = [];

  constructor() {
    subscribe("undici:request:headers", this.#onHeaders);
    subscribe("undici:request:bodyChunkReceived", this.#onChunk);
  }

  get seen(): { readonly bytes: number; readonly text: string } {
    const text = Buffer.concat(this.#kept).subarray(0, SHOWN_BYTES).toString("utf8");
    return { bytes: this.#bytes, text };
  }

  close(): void {
    unsubscribe("undici:request:headers", this.#onHeaders);
    unsubscribe("undici:request:bodyChunkReceived", this.#onChunk);
  }

  readonly #onHeaders = (message: unknown): void => {
    const { request, response } = message as { request: unknown; response: { statusCode: number } };
    this.#request = request;
    this.status = response.statusCode;
    this.#bytes = 0;
    this.#kept = [];
  };

  readonly #onChunk = (message: unknown): void => {
    const { request, chunk } = message as { request: unknown; chunk: Buffer };
    if (request !== this.#request) return;
    if (this.#bytes < SHOWN_BYTES) this.#kept.push(chunk);
    this.#bytes += chunk.length;
  };
}
