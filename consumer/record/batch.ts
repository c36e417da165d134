import type { Delivery, Outgoing } from "../../shared/broker/broker.ts";
import { SenpuError } from "../../shared/errors.ts";
import type { LedgerRecord } from "../../shared/ledger/ledger.ts";
import { MAX_MESSAGE_ATTRIBUTES } from "../../shared/limits.ts";
import { toAttributeText } from "../../shared/model/attribute-text.ts";
import { decodeMessage } from "../../shared/model/message.ts";
import { countRecords, toRecords } from "./to-records.ts";

/** One transaction takes what is there, up to this: an fsync is shared by many, and no reader waits long for its turn. */
const MAX_RECORDS = 20_000;
const MAX_REASON_CHARS = 200;

/** What a transaction takes: records, the messages they came from, and messages that cannot be read. */
export interface Batch {
  readonly records: LedgerRecord[];
  readonly deliveries: Delivery[];
  readonly unreadable: { readonly delivery: Delivery; readonly reason: string }[];
  count: number;
}

/** In order, none with more records than one transaction should take. */
export function* intoBatches(deliveries: readonly Delivery[]): Generator<Batch> {
  let batch = newBatch();
  for (const delivery of deliveries) {
    batch.deliveries.push(delivery);
    try {
      const records = toRecords(decodeMessage(delivery.body), delivery.sentAt);
      batch.records.push(...records);
      batch.count += countRecords(records);
    } catch (error) {
      if (!(error instanceof SenpuError && error.code === "message")) throw error;
      // Where the subscription has not learnt its filter yet, the recorder's own events come back to it.
      if (delivery.attributes["kind"] === "settled") continue;
      batch.unreadable.push({ delivery, reason: error.message });
    }
    if (batch.count >= MAX_RECORDS) {
      yield batch;
      batch = newBatch();
    }
  }
  if (batch.deliveries.length > 0) yield batch;
}

function newBatch(): Batch {
  return { records: [], deliveries: [], unreadable: [], count: 0 };
}

/** What cannot be read, as it goes to the ledger's dead-letter queue. */
export function deadLetter({ body, attributes }: Delivery, reason: string): Outgoing {
  const kept = Object.entries(attributes)
    .filter(([name, value]) => name !== "reason" && value !== "")
    .slice(0, MAX_MESSAGE_ATTRIBUTES - 1);
  const told = { reason: toAttributeText(reason, MAX_REASON_CHARS) };
  return { body, attributes: { ...Object.fromEntries(kept), ...told } };
}
