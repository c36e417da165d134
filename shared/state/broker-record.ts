import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

/** What the holder of the embedded broker tells other processes, in `broker.json`. */
export interface BrokerRecord {
  /** Null while it is starting. */
  readonly endpoint: string | null;
  readonly pid: number;
  readonly port: number | null;
  /** ISO 8601. */
  readonly startedAt: string;
}

/** Undefined when there is none, or none that can be read. */
export function readBrokerRecord(path: string): BrokerRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(path, "utf8")) as BrokerRecord;
    return typeof record.pid === "number" ? record : undefined;
  } catch {
    return undefined;
  }
}

/** In one step, so that nobody reads half of it. */
export function writeBrokerRecord(path: string, record: BrokerRecord): void {
  const draft = `${path}.${record.pid}.tmp`;
  writeFileSync(draft, `${JSON.stringify(record)}\n`);
  renameSync(draft, path);
}

export function removeBrokerRecord(path: string): void {
  rmSync(path, { force: true });
}

const PING_MS = 1_000;

/** Does the embedded broker answer there? `silent`: who listens there has not, within a second, and still may. */
export async function askBroker(endpoint: string): Promise<"answers" | "silent" | "gone"> {
  try {
    const response = await fetch(new URL("/health", endpoint), {
      signal: AbortSignal.timeout(PING_MS),
    });
    const body = (await response.json()) as { status?: unknown };
    return response.ok && body.status === "ok" ? "answers" : "gone";
  } catch (error) {
    return error instanceof DOMException && error.name === "TimeoutError" ? "silent" : "gone";
  }
}
