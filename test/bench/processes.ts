import { readFileSync, readdirSync } from "node:fs";

/** What Linux tells of processes in /proc; nothing elsewhere. Source: proc(5). */

export interface Memory {
  /** Resident now, of all of them. */
  readonly bytes: number;
  /** The most that each was, by its id. */
  readonly peakBytes: ReadonlyMap<number, number>;
}

/** Undefined where there is no /proc, or all of them have ended. */
export function readMemory(roots: readonly number[]): Memory | undefined {
  const peakBytes = new Map<number, number>();
  let bytes = 0;
  for (const pid of roots.flatMap(listTree)) {
    const status = read(`/proc/${pid}/status`);
    const peak = kibibytes(status, "VmHWM");
    if (peak === undefined) continue;
    peakBytes.set(pid, peak);
    bytes += kibibytes(status, "VmRSS") ?? 0;
  }
  return peakBytes.size === 0 ? undefined : { bytes, peakBytes };
}

/** Processor time of a process and its children, in milliseconds; undefined where there is no /proc. */
export function readCpuMs(root: number): number | undefined {
  let ticks: number | undefined;
  for (const pid of listTree(root)) {
    const fields = statFields(pid);
    if (fields === undefined) continue;
    // utime and stime, fields 14 and 15.
    ticks = (ticks ?? 0) + Number(fields[11]) + Number(fields[12]);
  }
  return ticks === undefined ? undefined : ticks * TICK_MS;
}

/** USER_HZ is 100 on every architecture that Node runs on. Source: time(7). */
const TICK_MS = 10;

/** The process and all below it. Not from /proc/PID/task/TID/children, which many kernels are built without. */
function listTree(root: number): number[] {
  const children = Map.groupBy(
    list("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map((name) => ({ pid: Number(name), parent: Number(statFields(Number(name))?.[1]) })),
    ({ parent }) => parent,
  );
  const pids = [root];
  // Grows while it is walked.
  for (const pid of pids) pids.push(...(children.get(pid) ?? []).map((child) => child.pid));
  return pids;
}

/** From the third on, the state: the second, a name in parentheses, may contain blanks. */
function statFields(pid: number): string[] | undefined {
  const stat = read(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function kibibytes(status: string | undefined, field: string): number | undefined {
  const match = status?.match(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m"));
  return match === null || match === undefined ? undefined : Number(match[1]) * 1024;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
