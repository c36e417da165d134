import { setImmediate } from "node:timers/promises";
import type { SqliteFile } from "./sqlite-file.ts";
import { BUSY_TIMEOUT_MS } from "./sqlite-words.ts";

/** Pages per transaction: some 10 ms, so that others who write hardly wait. */
const SLICE_PAGES = 1_000;
/** How long the write-ahead log is waited for: whoever writes waits as long. */
const TRUNCATE_WAIT_MS = 200;

/**
 * Gives the space of deleted rows back to the disk, page by page, beside others who read and write: a rewrite of the
 * file would keep them out, and need as much space again.
 */
export async function giveSpaceBack(file: SqliteFile): Promise<void> {
  const freePages = (): number =>
    Number(file.read(() => file.prepare("PRAGMA freelist_count").get())?.["freelist_count"]);
  for (let free = freePages(), earlier = Infinity; free > 0 && free < earlier; free = freePages()) {
    earlier = free;
    file.execute(`PRAGMA incremental_vacuum(${SLICE_PAGES})`);
    await setImmediate();
  }
  // Most of the log goes back first, which nobody waits for; while others read it, it stays, and the next prune tries.
  file.execute(`
    PRAGMA wal_checkpoint(PASSIVE);
    PRAGMA busy_timeout = ${TRUNCATE_WAIT_MS};
    PRAGMA wal_checkpoint(TRUNCATE);
    PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS};
  `);
}
