import { readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { StateFolder } from "./state-folder.ts";

/**
 * Copies of a database that lie beside it: `ledger-v1.db`, as it was before it was migrated, and
 * `ledger-kept-20261124-101500.db`, as it was before it was repaired. Nothing reads them; `senpu prune` removes old ones.
 */
export interface KeptCopy {
  readonly path: string;
  readonly bytes: number;
  /** Epoch milliseconds. */
  readonly madeAt: number;
}

const COPY =
  /^(?:ledger|coordination|fauxqs)-(?:v\d+|kept-\d{8}-\d{6})\.db(?:-wal)?(?:\.partial)?$/;

export function listCopies({ path, brokerData }: StateFolder): KeptCopy[] {
  return [path, brokerData].flatMap((folder) =>
    list(folder)
      .filter((name) => COPY.test(name))
      .flatMap((name) => {
        const copy = join(folder, name);
        const found = statSync(copy, { throwIfNoEntry: false });
        return found ? [{ path: copy, bytes: found.size, madeAt: found.mtimeMs }] : [];
      }),
  );
}

/** Where a copy of a database goes before it is repaired. */
export function keptName(path: string, at: number): string {
  const [day = "", time = ""] = new Date(at).toISOString().replaceAll(/[-:]/g, "").split(/[T.]/);
  return join(dirname(path), `${basename(path, ".db")}-kept-${day}-${time}.db`);
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
