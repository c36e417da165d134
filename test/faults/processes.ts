import { readFileSync, readdirSync } from "node:fs";

/** Processes of this machine, as Linux tells of them in /proc. */

/** Is it there, and not merely waiting to be forgotten? */
export function isAlive(pid: number): boolean {
  return wordsOf(pid) !== "";
}

/** Processes whose command line names this path. */
export function findNaming(path: string): { readonly pid: number; readonly words: string }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), words: wordsOf(Number(name)) }))
    .filter(({ pid, words }) => pid !== process.pid && words.includes(path));
}

/** Its command line; empty when it is gone. */
function wordsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return "";
  }
}

/** False when the process is gone. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
