import { createInterface } from "node:readline";
import { createRequire } from "node:module";
import { findFreePort, findProgram } from "./find-program.ts";
import type { Child, Scratch } from "./scratch.ts";

/** Undefined where BullMQ can run; else why it cannot. */
export function whyNoRedis(): string | undefined {
  if (findProgram("redis-server") === undefined) return "redis-server is not found";
  try {
    // BullMQ loads its client when it connects, from where it lies itself.
    createRequire(import.meta.resolve("bullmq")).resolve("ioredis");
    return undefined;
  } catch {
    return "BullMQ's Redis client is not installed: npm install --no-save ioredis";
  }
}

export interface RunningRedis {
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

const READY = "Ready to accept connections";

/** A Redis of its own that writes what it is told, each second: Redis' own default for durability. */
export async function startRedis(scratch: Scratch): Promise<RunningRedis> {
  const program = findProgram("redis-server");
  if (program === undefined) throw new Error("redis-server is not found");
  const folder = scratch.makeFolder("redis");
  const port = await findFreePort();
  const settings = {
    port: String(port),
    bind: "127.0.0.1",
    dir: folder,
    appendonly: "yes",
    appendfsync: "everysec",
    save: "",
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const child = scratch.start(program, args);
  child.stderr.resume();
  await untilReady(child);
  child.stdout.resume();
  return {
    port,
    pid: child.pid!,
    stop: async () => {
      await scratch.stop(child);
      scratch.removeFolder(folder);
    },
  };
}

async function untilReady(child: Child): Promise<void> {
  let last = "";
  for await (const line of createInterface(child.stdout)) {
    if (line.includes(READY)) return;
    last = line;
  }
  throw new Error(`redis-server did not start: ${last}`);
}
