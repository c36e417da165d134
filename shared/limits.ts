/**
 * AWS quotas that senpu packs and waits by. Each names its source; the embedded broker is held to the same.
 */

/** The entries of one PublishBatch together. Source: SNS API reference, PublishBatch ("the sum of … all individual messages"). */
export const SNS_MAX_BATCH_BYTES = 262_144;

/** Entries in one PublishBatch. Source: SNS API reference, PublishBatch. */
export const SNS_MAX_BATCH_ENTRIES = 10;

/** The entries of one SendMessageBatch together. Source: SQS quotas, 1 MiB since 2025. */
export const SQS_MAX_BATCH_BYTES = 1_048_576;

/** Entries in one SendMessageBatch, DeleteMessageBatch, ChangeMessageVisibilityBatch or ReceiveMessage. Source: SQS quotas. */
export const SQS_MAX_BATCH_ENTRIES = 10;

/** The longest `DelaySeconds`. Source: SQS quotas, "Delay". */
export const SQS_MAX_DELAY_SECONDS = 900;

/** The longest long poll. Source: SQS quotas. */
export const SQS_MAX_WAIT_SECONDS = 20;

/** Bytes of a chunk that senpu packs, leaving room for attributes within one SNS message: 262,144 bytes (SNS quotas). */
export const CHUNK_MAX_BYTES = 240_000;

/** Calls in one chunk at the most: beyond a few hundred a larger chunk saves nothing and takes longer to repeat. */
export const CHUNK_MAX_CALLS = 500;

/** Message attributes on one message. Source: SQS and SNS with raw delivery, 10. */
export const MAX_MESSAGE_ATTRIBUTES = 10;

/** Messages of one standard queue that are received and not yet deleted. Source: SQS quotas. */
export const SQS_MAX_IN_FLIGHT = 120_000;
