import { existsSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { measureFolder, totalSize } from "../../shared/state/folder-sizes.ts";
import { formatBytes, formatCount, formatPercent } from "../../shared/terminal/format.ts";
import { ok, problem, warning } from "./finding.ts";
import type { Check, Finding } from "./finding.ts";

const NAME = "disk";
/** With less, SQLite's own logs soon find no room. */
const LEAST_BYTES = 100_000_000;
/** A run of a few hundred thousand calls takes this. */
const COMFORTABLE_BYTES = 1_000_000_000;
const LEAST_INODES = 1_000;

/** Is there room for what runs write, and for a copy of what there is, as a migration or a repair makes? */
export const checkDisk: Check = ({ folder }) => {
  const place = nearestFolder(folder.path);
  const { bavail, bsize, blocks, ffree, files } = statfsSync(place);
  const stateBytes = totalSize(measureFolder(folder));
  return [
    judgeDisk({
      freeBytes: bavail * bsize,
      totalBytes: blocks * bsize,
      stateBytes,
      // 0 of 0: the file system makes them as they are needed.
      freeInodes: files === 0 ? Infinity : ffree,
    }),
  ];
};

export interface DiskFigures {
  /** For this user. */
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly stateBytes: number;
  /** Infinity: unlimited. */
  readonly freeInodes: number;
}

export function judgeDisk({ freeBytes, totalBytes, stateBytes, freeInodes }: DiskFigures): Finding {
  const free = `${formatBytes(freeBytes)} free (${formatPercent(freeBytes / totalBytes)})`;
  const found = `${free}, and the state takes ${formatBytes(stateBytes)}`;
  const advice =
    "free some: nothing is lost on a full disk, and nothing goes on; senpu prune forgets old runs";
  if (freeBytes < LEAST_BYTES) return problem(NAME, found, advice);
  if (freeInodes < LEAST_INODES) {
    return problem(NAME, `${found}; ${formatCount(freeInodes)} files can be made`, advice);
  }
  if (freeBytes < stateBytes) {
    return warning(
      NAME,
      found,
      "a migration or a repair copies what there is, and needs as much again",
    );
  }
  if (freeBytes < COMFORTABLE_BYTES) return warning(NAME, found, advice);
  return ok(NAME, found);
}

function nearestFolder(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestFolder(dirname(path));
}
