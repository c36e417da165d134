/** Numbers as a person reads them; units stand after a space, as in the International System. Pure. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const COUNT = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** `12,400` */
export function formatCount(count: number): string {
  return COUNT.format(count);
}

/** `1 call`, `12,400 calls`. `many` is for a word whose plural takes more than an s. */
export function formatQuantity(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** `0.4 ms`, `41 ms`, `1.2 s`, `42 s`, `3 m 20 s`, `2 h 5 m`, `3 d 4 h`: two units at most, rounded. */
export function formatDuration(durationMs: number): string {
  const ms = Math.max(0, durationMs);
  if (ms < 9.95) return `${trimZero(ms.toFixed(1))} ms`;
  if (Math.round(ms) < SECOND) return `${Math.round(ms)} ms`;
  if (ms < 9_950) return `${(ms / SECOND).toFixed(1)} s`;
  if (roundTo(ms, SECOND) < MINUTE) return `${Math.round(ms / SECOND)} s`;
  if (roundTo(ms, SECOND) < HOUR) return twoUnits(roundTo(ms, SECOND), MINUTE, "m", SECOND, "s");
  if (roundTo(ms, MINUTE) < DAY) return twoUnits(roundTo(ms, MINUTE), HOUR, "h", MINUTE, "m");
  return twoUnits(roundTo(ms, HOUR), DAY, "d", HOUR, "h");
}

/** A forecast, in steps no finer than a forecast can be: `about 8 s`, `about 40 s`, `about 3 m`, `about 2 h 10 m`. */
export function formatForecast(durationMs: number): string {
  const ms = Math.max(SECOND, durationMs);
  let step = SECOND;
  if (ms >= 10 * SECOND) step = 5 * SECOND;
  if (ms >= MINUTE) step = MINUTE;
  if (ms >= 2 * HOUR) step = 10 * MINUTE;
  if (ms >= DAY) step = HOUR;
  // One decimal of a second would claim too much.
  const rounded = roundTo(ms, step);
  return `about ${rounded < MINUTE ? `${rounded / SECOND} s` : formatDuration(rounded)}`;
}

/** `340/s`, `24.5/s`, `2.4/s`, `12/m`: calls per second, or per minute where they are few. */
export function formatRate(perSecond: number): string {
  if (perSecond >= 99.95) return `${formatCount(perSecond)}/s`;
  if (perSecond >= 1) return `${trimZero(perSecond.toFixed(1))}/s`;
  return `${trimZero((perSecond * 60).toFixed(1))}/m`;
}

/** `48 %`, `0.3 %`. Says 0 % and 100 % only where that is exactly so. */
export function formatPercent(share: number): string {
  const percent = share * 100;
  if (percent <= 0) return "0 %";
  if (percent >= 100) return "100 %";
  if (percent < 0.1) return "<0.1 %";
  if (percent > 99.9) return ">99.9 %";
  const whole = percent >= 9.95 && percent <= 99;
  return `${whole ? Math.round(percent) : trimZero(percent.toFixed(1))} %`;
}

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB"] as const;

/** `812 B`, `4.1 kB`, `20 MB`; a kilobyte is 1000 bytes. */
export function formatBytes(bytes: number): string {
  let size = Math.max(0, bytes);
  let unit = 0;
  while (size >= 999.5 && unit < BYTE_UNITS.length - 1) {
    size /= 1000;
    unit++;
  }
  const digits = unit > 0 && size < 9.95 ? trimZero(size.toFixed(1)) : String(Math.round(size));
  return `${digits} ${BYTE_UNITS[unit]}`;
}

/** `2026-11-22 09:05`, in the zone of whoever reads it. */
export function formatWhen(at: number): string {
  const date = new Date(at);
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()].map(twoDigits).join("-");
  return `${day} ${twoDigits(date.getHours())}:${twoDigits(date.getMinutes())}`;
}

/** `09:05:07`, in the zone of whoever reads it. */
export function formatClock(at: number): string {
  const date = new Date(at);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(":");
}

function twoUnits(
  ms: number,
  large: number,
  largeName: string,
  small: number,
  smallName: string,
): string {
  const rest = Math.floor((ms % large) / small);
  const head = `${formatCount(Math.floor(ms / large))} ${largeName}`;
  return rest === 0 ? head : `${head} ${rest} ${smallName}`;
}

function roundTo(ms: number, step: number): number {
  return Math.round(ms / step) * step;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}

function trimZero(decimal: string): string {
  return decimal.endsWith(".0") ? decimal.slice(0, -2) : decimal;
}
