import { parseDurationMs } from "../../shared/duration.ts";
import { SenpuError } from "../../shared/errors.ts";

/** Source: Lambda quotas: 15 minutes; 128 MB to 10,240 MB. */
const MAX_TIMEOUT_MS = 900_000;
const MIN_MEMORY_MB = 128;
const MAX_MEMORY_MB = 10_240;

const DEFAULT_MEMORY_MB = 512;

export function readTimeoutMs(value: string | undefined, defaultMs: number): number {
  if (value === undefined) return defaultMs;
  const timeoutMs = parseDurationMs(value);
  if (timeoutMs !== undefined && timeoutMs >= 1_000 && timeoutMs <= MAX_TIMEOUT_MS) {
    return timeoutMs;
  }
  throw new SenpuError(
    "usage",
    `--timeout ${value}: from 1s to 15m, as Lambda allows; written 3s, 120s or 2m`,
  );
}

export function readMemoryMb(value: string | undefined): number {
  return value === undefined
    ? DEFAULT_MEMORY_MB
    : readWholeNumber("--memory", value, MIN_MEMORY_MB, MAX_MEMORY_MB);
}

export function readWholeNumber(flag: string, value: string, min: number, max: number): number {
  const number = Number(value);
  if (Number.isInteger(number) && number >= min && number <= max) return number;
  throw new SenpuError("usage", `${flag} ${value}: a whole number from ${min} to ${max}`);
}
