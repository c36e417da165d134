import { z } from "zod";
import { Fault, notAllowed } from "../document/fault.ts";
import {
  addFault,
  check,
  closedObject,
  memoryMb,
  wholeNumber,
  wholeSeconds,
} from "../document/scalars.ts";
import { formatDuration } from "../duration.ts";
import { leastFunctionMs } from "../lambda/function-time.ts";
import { architecture } from "./architecture.ts";
import type { Architecture } from "./architecture.ts";

/** A function behind a lane's queue, and the event source mapping between them. */
export interface LambdaWorker {
  readonly kind: "lambda";
  readonly memoryMb: number;
  /** From an event to the end of the function; whole seconds. */
  readonly timeoutMs: number;
  /** Messages in one event. */
  readonly batchSize: number;
  /** How long a batch that is not full waits for more; whole seconds. */
  readonly windowMs: number;
  /**
   * Events of the lane in process at once, by the event source mapping. Reserved concurrency is no substitute: what it
   * throttles counts as received, and ends in the `dead` queue. The calls in flight are the lane's `concurrency`.
   */
  readonly maxConcurrency: number;
  readonly architecture: Architecture;
}

/** Source: Lambda quotas. */
const MIN_MEMORY_MB = 128;
const MAX_MEMORY_MB = 10_240;
/** Lambda allows 15 minutes; but a crash is found out only after six times the function's time. */
const MAX_FUNCTION_MS = 120_000;
/** Defaults are multiples of this. */
const FUNCTION_STEP_MS = 30_000;
/** Source: Lambda API reference, CreateEventSourceMapping: BatchSize, MaximumBatchingWindowInSeconds. */
const MAX_BATCH = 10_000;
const MAX_BATCH_WITHOUT_WINDOW = 10;
const MAX_WINDOW_MS = 300_000;
/** Source: Lambda API reference, ScalingConfig. */
const MIN_CONCURRENCY = 2;
const MAX_CONCURRENCY = 1_000;
/** Calls in flight that one function of the default size may have. */
const CALLS_PER_FUNCTION = 64;

const maxConcurrency = z
  .int({ error: `a whole number from ${MIN_CONCURRENCY} to ${MAX_CONCURRENCY}` })
  .transform((most, context) =>
    check(context, most, () => {
      if (most >= MIN_CONCURRENCY && most <= MAX_CONCURRENCY) return most;
      const right = `Lambda's event source takes ${MIN_CONCURRENCY} to ${MAX_CONCURRENCY}`;
      throw new Fault(
        most === 1
          ? notAllowed(
              most,
              `${right}; give the lane concurrency: 1 for one call at a time over all functions, or a fargate worker with tasks: { max: 1 }`,
            )
          : notAllowed(most, right),
      );
    }),
  );

/** What is not written follows from the lane. */
export const lambdaSchema = closedObject({
  memory: memoryMb(MIN_MEMORY_MB, MAX_MEMORY_MB)
    .prefault("512MB")
    .meta({ description: "From 128MB to 10240MB; the processor's share grows with it." }),
  timeout: wholeSeconds(1_000, MAX_FUNCTION_MS).optional().meta({
    description:
      "From an event to the end of the function, at most 2m. Default: what the lane's timeout needs.",
  }),
  batch: wholeNumber(1, MAX_BATCH)
    .default(10)
    .meta({ description: "Messages in one event; more than 10 need a window." }),
  window: wholeSeconds(0, MAX_WINDOW_MS)
    .prefault("0s")
    .meta({ description: "How long a batch that is not full waits for more, at most 5m." }),
  maxConcurrency: maxConcurrency.optional().meta({
    description:
      "Events in process at once, 2 to 1000. Default: one for each 64 of the lane's concurrency.",
  }),
  architecture,
}).transform((written, context) => {
  const { batch, window } = written;
  if (batch > MAX_BATCH_WITHOUT_WINDOW && window === 0) {
    addFault(
      context,
      batch,
      ["batch"],
      `${batch} is more than ${MAX_BATCH_WITHOUT_WINDOW}, which Lambda gathers in a window only; give window: 1s or more`,
    );
  }
  return { kind: "lambda" as const, ...written };
});

/** A phrase of what a lane asks for that a function cannot do; undefined: nothing. */
export function lambdaFault(
  written: z.output<typeof lambdaSchema>,
  laneTimeoutMs: number,
): string | undefined {
  const leastMs = roundUp(leastFunctionMs(laneTimeoutMs), 1_000);
  const functionMs = written.timeout ?? MAX_FUNCTION_MS;
  if (functionMs >= leastMs) return undefined;
  const lane = formatDuration(laneTimeoutMs);
  return written.timeout === undefined
    ? `a call of ${lane} (the lane's timeout) needs a function of ${formatDuration(leastMs)}, and senpu's take at most ${formatDuration(MAX_FUNCTION_MS)}; use fargate, or a timeout of at most 70s`
    : `${formatDuration(functionMs)} is too short for a call of ${lane} (the lane's timeout); at least ${formatDuration(leastMs)}`;
}

export function completeLambda(
  written: z.output<typeof lambdaSchema>,
  lane: { readonly timeoutMs: number; readonly concurrency: number },
): LambdaWorker {
  const functions = Math.ceil(lane.concurrency / CALLS_PER_FUNCTION);
  const derivedMs = roundUp(leastFunctionMs(lane.timeoutMs), FUNCTION_STEP_MS);
  return {
    kind: "lambda",
    memoryMb: written.memory,
    timeoutMs: written.timeout ?? Math.min(MAX_FUNCTION_MS, derivedMs),
    batchSize: written.batch,
    windowMs: written.window,
    maxConcurrency:
      written.maxConcurrency ?? Math.min(MAX_CONCURRENCY, Math.max(MIN_CONCURRENCY, functions)),
    architecture: written.architecture,
  };
}

function roundUp(ms: number, stepMs: number): number {
  return Math.ceil(ms / stepMs) * stepMs;
}
