import { readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { HEARTBEAT_DEAD_MS } from "../../shared/ledger/ledger.ts";
import type { RunRow } from "../../shared/ledger/ledger.ts";

/** A run's owner is the process that conducts it. It names itself with its heartbeat: where it runs, and its id there. */

/** This process, as an owner is named. */
export function ownName(): string {
  return `${place()}/${process.pid}`;
}

/**
 * Does somebody conduct the run at this moment? Sure only of a process of this machine that is gone; of any other,
 * its heartbeat tells once it has been silent for {@link HEARTBEAT_DEAD_MS}.
 */
export function hasLivingOwner(row: Pick<RunRow, "beatAt" | "owner">, now: number): boolean {
  return now - row.beatAt < HEARTBEAT_DEAD_MS && !isKnownDead(row.owner);
}

/** The owner's process id, where it runs on this machine. */
export function ownerPid(owner: string | null): number | undefined {
  const at = owner?.lastIndexOf("/") ?? -1;
  return owner?.slice(0, at) === place() ? Number(owner.slice(at + 1)) : undefined;
}

function isKnownDead(owner: string | null): boolean {
  const pid = ownerPid(owner);
  if (pid === undefined) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    // EPERM: it lives, and is another user's.
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

/** Containers may share a host's name, though not its process ids: on Linux their namespace tells them apart. */
function place(): string {
  try {
    return `${hostname()}/${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return hostname();
  }
}
