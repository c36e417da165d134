import { SenpuError } from "../errors.ts";
import { MAX_MESSAGE_ATTRIBUTES } from "../limits.ts";
import type { Outgoing } from "./broker.ts";

/** The limits of one batch request. */
export interface BatchLimits {
  /** Entries in one batch. */
  readonly maxEntries: number;
  /** All entries of one batch together, as {@link sizeOfEntry} counts them; also the limit of a single entry. */
  readonly maxBytes: number;
  /** Names the limit in an error: `SNS PublishBatch`. */
  readonly name: string;
}

/**
 * Entries in their order, cut into batches within the limits.
 * Throws {@link SenpuError} `broker` for an entry that no batch can hold, before anything is sent.
 */
export function packBatches<T extends Outgoing>(entries: readonly T[], limits: BatchLimits): T[][] {
  const batches: T[][] = [];
  let batch: T[] = [];
  let batchBytes = 0;
  for (const entry of entries) {
    const bytes = checkedSize(entry, limits);
    if (batch.length === limits.maxEntries || batchBytes + bytes > limits.maxBytes) {
      batches.push(batch);
      batch = [];
      batchBytes = 0;
    }
    batch.push(entry);
    batchBytes += bytes;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}

const STRING_TYPE_BYTES = Buffer.byteLength("String");

/** Bytes as SNS and SQS count them: body, and each attribute's name, type and value, in UTF-8. */
export function sizeOfEntry(entry: Outgoing): number {
  let bytes = Buffer.byteLength(entry.body);
  for (const [name, value] of Object.entries(entry.attributes ?? {})) {
    bytes += Buffer.byteLength(name) + STRING_TYPE_BYTES + Buffer.byteLength(value);
  }
  return bytes;
}

/** What AWS would refuse, refused here with the reason: the embedded broker drops an empty body without a word. */
function checkedSize(entry: Outgoing, limits: BatchLimits): number {
  if (entry.body === "") {
    throw new SenpuError("broker", "a message with an empty body cannot be sent");
  }
  const attributes = Object.entries(entry.attributes ?? {});
  if (attributes.length > MAX_MESSAGE_ATTRIBUTES) {
    throw new SenpuError(
      "broker",
      `a message has ${attributes.length} attributes; at most ${MAX_MESSAGE_ATTRIBUTES} may travel with it`,
    );
  }
  for (const [name, value] of attributes) {
    if (value === "") {
      throw new SenpuError("broker", `message attribute "${name}" is empty; leave it out`);
    }
  }
  const bytes = sizeOfEntry(entry);
  if (bytes > limits.maxBytes) {
    throw new SenpuError(
      "broker",
      `a message of ${bytes} bytes is over the limit of ${limits.name}, ${limits.maxBytes} bytes; make it smaller`,
    );
  }
  return bytes;
}
