import type { Rate } from "./model/lane.ts";

/** How durations are written: `500ms`, `10s`, `5m`, `2h`, `30d`; decimals allowed (`1.5s`). */
export const DURATION_PATTERN = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

/** A worker asks coordination for some milliseconds' worth of starts at a time: more than this can only be meant as no limit. */
const MAX_STARTS_PER_SECOND = 100_000;

/** What is said to who wrote another. */
export const RATE_RIGHT = `a rate of at most ${MAX_STARTS_PER_SECOND}/s, such as 20/s, 300/m or 1000/h`;

/** How rates are written: `20/s`, `300/m`, `1000/h`; whole numbers. */
export const RATE_PATTERN = /^(\d+)\/(s|m|h)$/;

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds, rounded to whole ones; undefined when the text is no duration. */
export function parseDurationMs(text: string): number | undefined {
  const match = DURATION_PATTERN.exec(text);
  if (match === null) return undefined;
  return Math.round(Number(match[1]) * UNIT_MS[match[2]!]!);
}

/** The longest unit that writes it without a fraction: 90_000 is `90s`, 120_000 is `2m`. */
export function formatDuration(durationMs: number): string {
  const unit = ["d", "h", "m", "s"].find((name) => durationMs % (UNIT_MS[name] ?? 1) === 0);
  return unit === undefined || durationMs === 0
    ? `${durationMs}ms`
    : `${durationMs / UNIT_MS[unit]!}${unit}`;
}

/** Undefined when the text is no rate, or one of nothing, or of more than can be held. */
export function parseRate(text: string): Rate | undefined {
  const match = RATE_PATTERN.exec(text);
  const count = Number(match?.[1]);
  if (match === null || count < 1) return undefined;
  const perMs = UNIT_MS[match[2]!]!;
  return count * 1_000 <= MAX_STARTS_PER_SECOND * perMs ? { count, perMs } : undefined;
}
