import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PerformanceObserver, constants } from "node:perf_hooks";

/**
 * Preloaded into the soak's processes (`node --import`): tells of their main thread what nobody sees from outside, every
 * few seconds, in the file `<pid>.json` of the folder that `SENPU_SOAK_TELL` names.
 */
export interface Told {
  /** After the last full collection, in bytes; 0 before the first. */
  readonly heapAfterGc: number;
  /** What keeps the event loop busy or awake: timers, sockets, requests. */
  readonly resources: number;
  /** On the process itself, where a forgotten one would add up. */
  readonly listeners: number;
}

/** Of a collection. */
function kindOf(entry: { readonly detail?: unknown } | object): unknown {
  return "detail" in entry ? (entry.detail as { readonly kind?: unknown }).kind : undefined;
}

const folder = process.env["SENPU_SOAK_TELL"];
const EVERY_MS = 2_000;

if (folder !== undefined) {
  let heapAfterGc = 0;
  new PerformanceObserver((list) => {
    const isFull = list
      .getEntries()
      .some((entry) => kindOf(entry) === constants.NODE_PERFORMANCE_GC_MAJOR);
    if (isFull) heapAfterGc = process.memoryUsage().heapUsed;
  }).observe({ entryTypes: ["gc"] });
  setInterval(() => {
    const told: Told = {
      heapAfterGc,
      resources: process.getActiveResourcesInfo().length,
      listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
    };
    const path = join(folder, `${process.pid}.json`);
    writeFileSync(`${path}.new`, JSON.stringify(told));
    renameSync(`${path}.new`, path);
  }, EVERY_MS).unref();
}
