import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/**
 * Files in the spool that nobody needs: `<run>.*` of runs that go, and old ones of no run at all. A run that is about to
 * begin has a young one.
 */
export function findSpoolFiles(
  spool: string,
  kept: ReadonlySet<string>,
  gone: ReadonlySet<string>,
  before: number,
): string[] {
  if (!existsSync(spool)) return [];
  return readdirSync(spool)
    .filter((name) => {
      const owners = possibleOwners(name);
      if (owners.some((id) => kept.has(id))) return false;
      return owners.some((id) => gone.has(id)) || changedAt(join(spool, name)) < before;
    })
    .map((name) => join(spool, name));
}

/** A run's id may hold dots itself. */
export function possibleOwners(name: string): string[] {
  const parts = name.split(".");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("."));
}

/** Now, for one that goes meanwhile. */
function changedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity;
}
