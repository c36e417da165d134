import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DATABASE_FILE } from "../../shared/broker/fauxqs-data.ts";
import { stateFolderAt } from "../../shared/state/state-folder.ts";
import type { ProcessMeasure, StoreMeasure } from "./measures.ts";
import type { Told } from "./teller.ts";

const MEBIBYTE = 1024 ** 2;

/** Linux only. Undefined: it is gone. */
export function sampleProcess(
  pid: number,
  tellFolder: string,
): Partial<Record<ProcessMeasure, number>> | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const files = readdirSync(`/proc/${pid}/fd`).length;
    return {
      rss: numberIn(status, /^VmRSS:\s+(\d+) kB/m) / 1_024,
      threads: numberIn(status, /^Threads:\s+(\d+)/m),
      files,
      ...told(join(tellFolder, `${pid}.json`)),
    };
  } catch {
    return undefined;
  }
}

function told(path: string): Partial<Record<ProcessMeasure, number>> {
  if (!existsSync(path)) return {};
  const { heapAfterGc, resources, listeners } = JSON.parse(readFileSync(path, "utf8")) as Told;
  const heap = heapAfterGc === 0 ? {} : { heap: heapAfterGc / MEBIBYTE };
  return { resources, listeners, ...heap };
}

function numberIn(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1] ?? 0);
}

/**
 * Read beside whoever writes them. `leftSince`: epoch milliseconds; what is older should have been pruned.
 */
export function sampleStores(
  state: string,
  leftSince: number,
): Partial<Record<StoreMeasure, number>> {
  const folder = stateFolderAt(state);
  const broker = join(folder.brokerData, DATABASE_FILE);
  const counts = countRows(folder.coordinationFile, {
    controls: "SELECT COUNT(*) AS n FROM controls",
    claims: "SELECT COUNT(*) AS n FROM claims",
    leases: "SELECT COUNT(*) AS n FROM leases",
    destinations: "SELECT COUNT(*) AS n FROM destinations",
    checkpoints: "SELECT COUNT(*) AS n FROM checkpoints",
    "controls left": `SELECT COUNT(*) AS n FROM controls WHERE at < ${leftSince}`,
    "checkpoints left": `SELECT COUNT(*) AS n FROM checkpoints WHERE at < ${leftSince}`,
    "leases left": `SELECT COUNT(*) AS n FROM leases WHERE expires_at < ${leftSince}`,
  });
  const ledger = countRows(folder.ledgerFile, {
    "ledger runs": "SELECT COUNT(*) AS n FROM runs",
    "runs left": `SELECT COUNT(*) AS n FROM runs WHERE created_at < ${leftSince}`,
    "ledger outbox": "SELECT COUNT(*) AS n FROM outbox",
  });
  const messages = countRows(broker, {
    letters: "SELECT COUNT(*) AS n FROM sqs_messages WHERE queue_name LIKE '%-failed'",
    messages: "SELECT COUNT(*) AS n FROM sqs_messages WHERE queue_name NOT LIKE '%-failed'",
  });
  return {
    ...counts,
    ...ledger,
    ...messages,
    "ledger file": databaseMebibytes(folder.ledgerFile),
    "coordination file": databaseMebibytes(folder.coordinationFile),
    "broker file": databaseMebibytes(broker),
    "claim files": folderMebibytes(folder.claims),
    "spool files": folderMebibytes(folder.spool),
  };
}

/** What cannot be read just now is left out. */
function countRows<Name extends string>(
  path: string,
  queries: Readonly<Record<Name, string>>,
): Partial<Record<Name, number>> {
  const counts: Partial<Record<Name, number>> = {};
  if (!existsSync(path)) return counts;
  try {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      for (const [name, query] of Object.entries(queries) as [Name, string][]) {
        counts[name] = Number(database.prepare(query).get()?.["n"] ?? 0);
      }
    } finally {
      database.close();
    }
  } catch {
    // Its writer is busy, or it is being vacuumed.
  }
  return counts;
}

function databaseMebibytes(path: string): number {
  return ["", "-wal"].reduce((sum, end) => sum + sizeOf(`${path}${end}`), 0) / MEBIBYTE;
}

function folderMebibytes(path: string): number {
  if (!existsSync(path)) return 0;
  const names = readdirSync(path, { recursive: true, encoding: "utf8" });
  return names.reduce((sum, name) => sum + sizeOf(join(path, name)), 0) / MEBIBYTE;
}

function sizeOf(path: string): number {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats?.isFile() === true ? stats.size : 0;
}
