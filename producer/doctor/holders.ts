import { readFileSync, statSync } from "node:fs";

/**
 * Which other processes have these files locked, which is to say open as databases; sorted. Known on Linux only, and of
 * what runs in the same container. Source: proc_locks(5); SQLite holds a read lock for as long as it has a file open.
 */
export function holdersOf(paths: readonly string[]): number[] {
  const inodes = new Set(
    paths.flatMap((path) => statSync(path, { throwIfNoEntry: false })?.ino ?? []),
  );
  let locks: string;
  try {
    locks = readFileSync("/proc/locks", "utf8");
  } catch {
    return [];
  }
  const pids = locks.split("\n").flatMap((line) => {
    // `1: POSIX  ADVISORY  READ 4711 fe:00:131099 128 128`; one that only waits has an arrow before POSIX.
    const [, kind, , , pid, file] = line.trim().split(/\s+/);
    const isHere = kind === "POSIX" && inodes.has(Number(file?.split(":")[2]));
    return isHere && Number(pid) > 0 && Number(pid) !== process.pid ? [Number(pid)] : [];
  });
  return [...new Set(pids)].sort((a, b) => a - b);
}

/** `process 4711`, `processes 4711 and 4712`; undefined for none. */
export function nameHolders(pids: readonly number[]): string | undefined {
  if (pids.length === 0) return undefined;
  if (pids.length === 1) return `process ${pids[0]}`;
  return `processes ${pids.slice(0, -1).join(", ")} and ${pids.at(-1)}`;
}

/** Does a process of this id live on this machine? */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, and is another user's.
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
