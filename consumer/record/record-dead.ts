import { deadQueue, failedQueue } from "../../shared/broker/broker.ts";
import type { Delivery, Outgoing } from "../../shared/broker/broker.ts";
import { SQS_MAX_BATCH_ENTRIES } from "../../shared/limits.ts";
import type { LedgerRecord } from "../../shared/ledger/ledger.ts";
import type { Call } from "../../shared/model/call.ts";
import { encodeLetter } from "../../shared/model/letter.ts";
import { decodeMessage } from "../../shared/model/message.ts";
import type { CallsMessage } from "../../shared/model/message.ts";
import type { Outcome } from "../../shared/model/outcome.ts";
import { chunkKey } from "../receive/chunk.ts";
import type { HouseParts } from "./keep-house.ts";

const RECORDER = "recorder";
/** Long enough to record and to send letters; after a death the next recorder has them a minute later. */
const VISIBILITY_SECONDS = 60;
/** What cannot be read stays for a person to look at, and is not received over and over meanwhile. */
const UNREADABLE_SECONDS = 600;

/**
 * What SQS gave up on, since workers died on it again and again: its calls end as `abandoned`.
 * A letter each first, then the ledger, then the message is removed: a death in between repeats, and loses nothing. Told
 * of without a letter, a call would be left without one where its run is resumed: that drops the message.
 */
export async function recordDead(parts: HouseParts, lane: string): Promise<void> {
  const { broker, signal } = parts;
  await broker.ensure([lane]);
  while (!signal.aborted) {
    const deliveries = await broker.receive(deadQueue(lane), {
      maxMessages: SQS_MAX_BATCH_ENTRIES,
      waitSeconds: 0,
      visibilitySeconds: VISIBILITY_SECONDS,
    });
    if (deliveries.length === 0) return;
    await bury(parts, lane, deliveries);
  }
}

interface Corpse {
  readonly message: CallsMessage;
  readonly receipt: string;
  /** Empty for a message of an older generation, whose calls were published anew. */
  readonly abandoned: readonly { readonly call: Call; readonly outcome: Outcome }[];
}

async function bury(
  parts: HouseParts,
  lane: string,
  deliveries: readonly Delivery[],
): Promise<void> {
  const { broker, coordination, committer } = parts;
  const corpses: Corpse[] = [];
  const unreadable: string[] = [];
  for (const delivery of deliveries) {
    const message = readCalls(delivery.body);
    if (message === undefined) unreadable.push(delivery.receipt);
    else corpses.push(await examine(parts, message, delivery));
  }
  if (unreadable.length > 0) {
    await broker.extend(deadQueue(lane), unreadable, UNREADABLE_SECONDS);
  }
  if (corpses.length === 0) return;
  const letters = (await Promise.all(corpses.map((corpse) => writeLetters(parts, corpse)))).flat();
  if (letters.length > 0) await broker.send(failedQueue(lane), letters);
  const records = corpses.filter(({ abandoned }) => abandoned.length > 0).map(toRecord);
  if (records.length > 0) await committer.commit(records);
  await broker.remove(
    deadQueue(lane),
    corpses.map(({ receipt }) => receipt),
  );
  // A copy of it is not made any more.
  await coordination.endChunks(
    corpses.map(({ message }) => chunkKey(message)),
    Date.now(),
  );
}

function readCalls(body: string): CallsMessage | undefined {
  try {
    const message = decodeMessage(body);
    return message.kind === "calls" ? message : undefined;
  } catch {
    return undefined;
  }
}

async function examine(
  { ledger, coordination }: HouseParts,
  message: CallsMessage,
  { receipt, sentAt }: Delivery,
): Promise<Corpse> {
  const run = await ledger.findRun(message.run);
  if (run !== undefined && message.generation < run.generation) {
    return { message, receipt, abandoned: [] };
  }
  const checkpoint = await coordination.readCheckpoint(chunkKey(message));
  const done = new Set(checkpoint?.done);
  const abandoned = message.calls.flatMap((call, index) => {
    if (checkpoint?.over === true || done.has(index)) return [];
    // How many of the deliveries got as far as an attempt, only a checkpoint knows.
    const attempts = checkpoint?.attempts[index] ?? call.attempts ?? 0;
    const outcome: Outcome = {
      id: call.id,
      state: "failed",
      reason: "abandoned",
      attempts,
      ...(call.startedAt !== undefined && { startedAt: call.startedAt }),
      settledAt: Math.max(sentAt, Date.now()),
      error: "its worker died on it, repeatedly",
    };
    return [{ call, outcome }];
  });
  return { message, receipt, abandoned };
}

function toRecord({ message, abandoned }: Corpse): LedgerRecord {
  const outcomes = abandoned.map(({ outcome }) => outcome);
  return { kind: "outcomes", run: message.run, lane: message.lane, worker: RECORDER, outcomes };
}

/** None for a call that an earlier delivery had already brought to an end, whose outcome came first. */
async function writeLetters(
  { ledger }: HouseParts,
  { message, abandoned }: Corpse,
): Promise<Outgoing[]> {
  const known = (await ledger.findRun(message.run)) !== undefined;
  const letters: Outgoing[] = [];
  for (const { call, outcome } of abandoned) {
    if (known && (await endedOtherwise(ledger, message.run, call.id))) continue;
    letters.push(encodeLetter(message, call, outcome));
  }
  return letters;
}

async function endedOtherwise(
  ledger: HouseParts["ledger"],
  run: string,
  id: string,
): Promise<boolean> {
  for await (const row of ledger.calls(run, { id })) {
    return row.state === "succeeded" || (row.state === "failed" && row.reason !== "abandoned");
  }
  return false;
}
