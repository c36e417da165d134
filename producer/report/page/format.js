// Numbers and moments as the page's charts say them.

const COUNT = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const DECIMALS = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 3 });

/** @param {number} value */
export function formatNumber(value) {
  return Math.abs(value) >= 1000 ? COUNT.format(value) : DECIMALS.format(value);
}

/** @param {number} ms */
export function formatLatency(ms) {
  if (ms < 1000) return `${DECIMALS.format(ms)} ms`;
  if (ms < 60_000) return `${DECIMALS.format(ms / 1000)} s`;
  if (ms < 3_600_000) return `${DECIMALS.format(ms / 60_000)} m`;
  return `${DECIMALS.format(ms / 3_600_000)} h`;
}

/** Since the run's beginning: `2 m 46 s`. @param {number} ms */
export function formatSince(ms) {
  if (ms < 60_000) return formatLatency(ms);
  const seconds = Math.round(ms / 1000);
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => Number(count) > 0);
  return parts
    .slice(first, first + 2)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}

/** @param {number} value */
function two(value) {
  return String(value).padStart(2, "0");
}

/** In the reader's zone. @param {Date} date */
export function formatClock(date) {
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
}

/** In the reader's zone. @param {Date} date */
export function formatDay(date) {
  return [date.getFullYear(), date.getMonth() + 1, date.getDate()].map(two).join("-");
}

/**
 * 1, 2 and 5 of each decade, or fewer where there is no room for so many.
 * @param {number} min @param {number} max @param {number} most
 */
export function splitDecades(min, max, most) {
  /** @type {number[]} */
  let splits = [];
  for (const digits of [[1, 2, 5], [1, 3], [1]]) {
    splits = [];
    for (let power = Math.floor(Math.log10(min)); power <= Math.log10(max) + 1e-9; power++) {
      for (const digit of digits) {
        const value = digit * 10 ** power;
        if (value >= min * 0.999 && value <= max * 1.001) splits.push(value);
      }
    }
    if (splits.length <= most) break;
  }
  return splits;
}
