import { SNS_MAX_BATCH_BYTES, SNS_MAX_BATCH_ENTRIES, SQS_MAX_BATCH_ENTRIES } from "../limits.ts";

/** What SNS and SQS count: requests, of 64 KiB each. Pure. */

/** Source: pricing pages of SNS and SQS. */
const BILLED_BYTES = 65_536;
/** A producer leaves so much of a batch free. */
const BATCH_BYTES = SNS_MAX_BATCH_BYTES * 0.95;

/** Billed publishes of so many messages that go out together wherever SNS allows. */
export function countPublishes(messages: number, bytes: number): number {
  if (messages === 0) return 0;
  const batches = Math.max(
    Math.ceil(messages / SNS_MAX_BATCH_ENTRIES),
    Math.ceil(bytes / BATCH_BYTES),
  );
  return batches * Math.ceil(bytes / batches / BILLED_BYTES);
}

/**
 * Billed requests of so many messages' way through a queue: sent one by one, as SNS does it, received and deleted
 * together. Whether AWS counts what SNS sends is not said plainly; here it counts.
 */
export function countQueueRequests(messages: number, bytes: number): number {
  if (messages === 0) return 0;
  const each = Math.ceil(bytes / messages / BILLED_BYTES);
  const together = Math.ceil(messages / SQS_MAX_BATCH_ENTRIES);
  const receives = Math.max(together, Math.ceil(bytes / BILLED_BYTES));
  return messages * each + receives + together;
}
