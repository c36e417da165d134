import { fileURLToPath } from "node:url";
import type { Scratch } from "../scratch.ts";
import { startEntry } from "./start-entry.ts";

/** What the server refuses, with 429. */
export type ServerPolicy =
  | { readonly kind: "open" }
  /** After so many requests all for so long, with Retry-After. */
  | { readonly kind: "closes"; readonly after: number; readonly seconds: number }
  /** What is more at once than a phase allows; phases count from the first request, the last one stays. */
  | { readonly kind: "holds"; readonly capacities: readonly number[]; readonly phaseMs: number };

export interface ServedRequest {
  readonly lane: string;
  /** Milliseconds of the server's own clock. */
  readonly arrivedAt: number;
  /** When the answer was out; null while it is not. */
  endedAt: number | null;
  status: number;
}

export interface ServerLog {
  /** In the order of their arrival. */
  readonly requests: readonly ServedRequest[];
  /** The most that its timers were late from the first request on, but for one in a hundred. */
  readonly lateMs: number;
}

export interface FlowServer {
  /** Without a slash at the end. */
  readonly url: string;
  /** Resolves at the first request; rejects when the server ends without one. */
  waitForFirst(): Promise<void>;
  log(): Promise<ServerLog>;
  stop(): Promise<void>;
}

const ENTRY = fileURLToPath(new URL("./server-entry.ts", import.meta.url));

/** Ends with the scratch, or before it. */
export async function startServer(scratch: Scratch, policy: ServerPolicy): Promise<FlowServer> {
  const { child, lines } = startEntry(scratch, [ENTRY, JSON.stringify(policy)]);
  const url = await lines.next();
  return {
    url,
    waitForFirst: async () => void (await lines.next()),
    log: async () => (await (await fetch(`${url}/_log`)).json()) as ServerLog,
    stop: () => scratch.stop(child),
  };
}
