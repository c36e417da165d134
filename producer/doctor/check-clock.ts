import { statSync } from "node:fs";
import { formatDuration, formatWhen } from "../../shared/terminal/format.ts";
import { ok, warning } from "./finding.ts";
import type { Check, Finding } from "./finding.ts";
import { ledgerStore, readStore } from "./stores.ts";

const NAME = "clock";
/** Clocks of other machines, and the rounding of file systems. */
const TOLERATED_MS = 5_000;
const JUMP_MS = 1_000;

/** Does the clock agree with what was written before, and with its own running? Deadlines and leases rest on it. */
export const checkClock: Check = ({ folder, now }) => {
  const { path, ledgerFile, coordinationFile, brokerData } = folder;
  const written = [path, ledgerFile, `${ledgerFile}-wal`, coordinationFile, brokerData].map(
    (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0,
  );
  const told = readStore(ledgerStore(folder), (file) =>
    Number(
      file.prepare("SELECT max(max(beat_at), max(created_at)) AS at FROM runs").get()?.["at"] ?? 0,
    ),
  );
  const monotonicMs = performance.timeOrigin + performance.now();
  return [judgeClock(now, Math.max(...written, told ?? 0), Date.now() - monotonicMs)];
};

/** `latestAt`: the latest time that anything was written at. `jumpMs`: how far the clock was set since this process began. */
export function judgeClock(now: number, latestAt: number, jumpMs: number): Finding {
  const found = `it is ${formatWhen(now)}`;
  const advice = "deadlines, leases and Retry-After rest on the clock: let NTP set it";
  if (latestAt > now + TOLERATED_MS) {
    return warning(
      NAME,
      `${found}, and something here was written ${formatDuration(latestAt - now)} later than that`,
      advice,
    );
  }
  if (Math.abs(jumpMs) > JUMP_MS) {
    return warning(
      NAME,
      `${found}, and it was just set by ${formatDuration(Math.abs(jumpMs))}`,
      advice,
    );
  }
  return ok(NAME, `${found}, and nothing was written later`);
}
