import { environmentVariable } from "../../shared/environment.ts";
import { SenpuError } from "../../shared/errors.ts";
import { log } from "../../shared/lambda/log.ts";
import { stateFolder } from "../../shared/lambda/function-folder.ts";
import { openStoredLedger } from "../../shared/ledger/open-stored.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;

/**
 * Behind a daily schedule: forgets runs that are older than `SENPU_KEEP_RUNS_DAYS`, whatever the event says. What it
 * leaves when its time is up, the next day's deletes.
 */
export async function handler(): Promise<{ forgotten: number }> {
  const days = environmentVariable("SENPU_KEEP_RUNS_DAYS");
  // Nothing but a number of days that somebody has written down may make it forget.
  if (!/^[1-9]\d{0,4}$/.test(days ?? "")) {
    throw new SenpuError(
      "config",
      `SENPU_KEEP_RUNS_DAYS is ${days === undefined ? "not set" : JSON.stringify(days)}; write a whole number of days`,
    );
  }
  const ledger = await openStoredLedger(() => stateFolder().ledgerFile);
  try {
    const { length } = await ledger.prune(Date.now() - Number(days) * DAY_MS);
    log("info", `${length} runs from before ${days} days were forgotten`);
    return { forgotten: length };
  } finally {
    await ledger.close();
  }
}
