import { parseDurationMs } from "../../shared/duration.ts";
import { SenpuError } from "../../shared/errors.ts";
import { readMemoryMb, readTimeoutMs, readWholeNumber } from "../commands/function-options.ts";

/** An event source mapping's settings, and its function's, as CloudFormation would have them. */
export interface MappingOptions {
  /** Messages in one event. */
  readonly batchSize: number;
  /** How long a batch that is not full waits for more, in milliseconds. */
  readonly windowMs: number;
  /** Batches of one lane in process at once. */
  readonly maxConcurrency: number;
  /** Environments of the function, over all lanes; beyond, invocations are throttled. Undefined: no limit. */
  readonly reservedConcurrency: number | undefined;
  readonly timeoutMs: number;
  readonly memoryMb: number;
}

const DEFAULT_TIMEOUT_MS = 30_000;
/** Above it, and up to 10,000, Lambda takes several receives together; this takes one. Source: "Lambda parameters for Amazon SQS event source mappings". */
const MAX_BATCH_SIZE = 10;
/** Source: Lambda API reference, MaximumBatchingWindowInSeconds. */
const MAX_WINDOW_MS = 300_000;
/** Source: Lambda API reference, ScalingConfig: 2 to 1,000; more than this machine can start is refused. */
const MIN_CONCURRENCY = 2;
const MAX_CONCURRENCY = 100;
const DEFAULT_CONCURRENCY = 2;

/** Reads the command line's words. Throws {@link SenpuError} `usage`. */
export function readMappingOptions(options: Readonly<Record<string, unknown>>): MappingOptions {
  const { batchSize, window, maxConcurrency, reservedConcurrency, timeout, memory } =
    options as Readonly<Record<string, string | undefined>>;
  return {
    batchSize: readWholeNumber(
      "--batch-size",
      batchSize ?? String(MAX_BATCH_SIZE),
      1,
      MAX_BATCH_SIZE,
    ),
    windowMs: readWindowMs(window),
    maxConcurrency: readWholeNumber(
      "--max-concurrency",
      maxConcurrency ?? String(DEFAULT_CONCURRENCY),
      MIN_CONCURRENCY,
      MAX_CONCURRENCY,
    ),
    reservedConcurrency:
      reservedConcurrency === undefined
        ? undefined
        : readWholeNumber("--reserved-concurrency", reservedConcurrency, 1, MAX_CONCURRENCY),
    timeoutMs: readTimeoutMs(timeout, DEFAULT_TIMEOUT_MS),
    memoryMb: readMemoryMb(memory),
  };
}

function readWindowMs(value: string | undefined): number {
  if (value === undefined) return 0;
  const windowMs = parseDurationMs(value);
  if (windowMs !== undefined && windowMs <= MAX_WINDOW_MS) return windowMs;
  throw new SenpuError("usage", `--window ${value}: from 0s to 5m, written 500ms, 2s or 1m`);
}
