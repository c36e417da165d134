import { openSqliteLedger } from "../../../shared/ledger/sqlite-ledger.ts";
import { newRun, planned } from "../../conformance/ledger-records.ts";

/**
 * A process that records into the ledger named by its first argument, a few calls at a time without pause, until it is
 * told anything. Its parent hears when it has begun, and at the end how often it recorded and how long the longest took.
 */
export interface Recorded {
  readonly batches: number;
  readonly longestMs: number;
}

const ledger = openSqliteLedger(process.argv[2] ?? "");
await ledger.createRun(newRun("live", { createdAt: Date.now() }));
const ending = new AbortController();
process.once("message", () => ending.abort());
let batches = 0;
let longestMs = 0;
while (!ending.signal.aborted) {
  const startedAt = performance.now();
  await ledger.record([planned("live", [`c${batches}`])], Date.now());
  longestMs = Math.max(longestMs, performance.now() - startedAt);
  if (batches++ === 0) process.send?.("begun");
  await new Promise((resolve) => setImmediate(resolve));
}
await ledger.close();
process.send?.({ batches, longestMs } satisfies Recorded);
process.disconnect();
