import { z } from "zod";

/**
 * What the contract says of `--json`, written down once more, by hand: a change of the code that breaks a script must
 * not change this with it.
 */

const count = z.int().min(0);
const milliseconds = z.number().min(0);
const reason = z.enum([
  "rejected",
  "exhausted",
  "expired",
  "unknown",
  "abandoned",
  "invalid",
  "blocked",
]);
const status = z.int().min(100).max(599).nullable();

/** `senpu run --json` and `senpu status --json`. */
export const figuresSchema = z
  .strictObject({
    run: z.string().min(1),
    name: z.string(),
    state: z.enum(["running", "paused", "settled", "stopped", "cancelled", "interrupted"]),
    parent: z.string().nullable(),
    planned: count,
    succeeded: count,
    failed: count,
    cancelled: count,
    pending: count,
    attempts: count,
    duplicates: count,
    elapsedMs: milliseconds,
    latencyMs: z
      .strictObject({ p50: milliseconds, p95: milliseconds, p99: milliseconds, max: milliseconds })
      .refine(({ p50, p95, p99, max }) => p50 <= p95 && p95 <= p99 && p99 <= max, "in order")
      .nullable(),
    failures: z.array(z.strictObject({ reason, status, count: count.min(1) })),
  })
  .refine(
    (figures) =>
      figures.planned === figures.succeeded + figures.failed + figures.cancelled + figures.pending,
    "planned = succeeded + failed + cancelled + pending",
  )
  .refine(
    ({ failures, failed }) => failures.reduce((sum, group) => sum + group.count, 0) === failed,
    "the groups of failures make up the failed",
  )
  .refine(({ state, pending }) => state !== "settled" || pending === 0, "settled: none is pending");

/** A line of `senpu calls --json`. */
export const callRowSchema = z
  .strictObject({
    run: z.string().min(1),
    id: z.string().min(1),
    lane: z.string().min(1),
    method: z.enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
    url: z.string(),
    state: z.enum(["pending", "succeeded", "failed", "cancelled"]),
    reason: reason.nullable(),
    status,
    attempts: count,
    startedAt: z.iso.datetime().nullable(),
    settledAt: z.iso.datetime().nullable(),
    latencyMs: milliseconds.nullable(),
    error: z.string().nullable(),
    worker: z.string().nullable(),
  })
  .refine(({ state, reason }) => (state === "failed") === (reason !== null), "failed: a reason");

/** The lines of JSON Lines, each parsed. */
export function parseJsonLines(text: string): unknown[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as unknown);
}
