import { availableParallelism, cpus, loadavg, platform, release, tmpdir, totalmem } from "node:os";
import { statfsSync } from "node:fs";

/** Where the figures were made: without it they mean nothing. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  readonly node: string;
  /** Processes that wanted a core, over the minute before the bench. */
  readonly load: number;
  /** Do the temporary folders lie in memory? Then durable writes cost nothing. */
  readonly folderInMemory: boolean;
}

/** Source: statfs(2). */
const TMPFS_MAGIC = 0x01021994;

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown processor",
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    system: `${platform()} ${release()}`,
    node: process.version,
    load: loadavg()[0] ?? 0,
    folderInMemory: platform() === "linux" && statfsSync(tmpdir()).type === TMPFS_MAGIC,
  };
}
