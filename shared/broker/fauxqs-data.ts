import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** What senpu reads and writes in the embedded broker's data folder, while no broker runs on it. */

const PORT_FILE = "port";
export const DATABASE_FILE = "fauxqs.db";

/** The port on which this data was last served; undefined when never, or unreadable. */
export function readLastPort(dataDir: string): number | undefined {
  try {
    const port = Number(readFileSync(join(dataDir, PORT_FILE), "utf8"));
    return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
  } catch {
    return undefined;
  }
}

/** Processes that outlive a broker's holder expect its successor on the same port. */
export function rememberPort(dataDir: string, port: number): void {
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(join(dataDir, PORT_FILE), `${port}\n`);
}

/** Gives back the space of messages that are gone; only while no broker runs on the data. Returns the bytes freed. */
export function compactData(dataDir: string): number {
  const path = join(dataDir, DATABASE_FILE);
  if (!existsSync(path)) return 0;
  const before = statSync(path).size;
  const database = new DatabaseSync(path);
  try {
    database.exec("VACUUM");
  } finally {
    database.close();
  }
  return Math.max(0, before - statSync(path).size);
}

/**
 * Makes receives of these queues visible again: whoever had them died, or will see them twice and account them once.
 * Without it a resume waits out the visibility timeout. A database of another layout is left as it is.
 * Returns how many.
 */
export function handBackReceives(dataDir: string, queues: readonly string[]): number {
  const path = join(dataDir, DATABASE_FILE);
  if (queues.length === 0 || !existsSync(path)) return 0;
  const database = new DatabaseSync(path);
  try {
    const columns = new Set(
      database
        .prepare("PRAGMA table_info(sqs_messages)")
        .all()
        .map((column) => column["name"]),
    );
    if (
      !["queue_name", "receipt_handle", "visibility_deadline"].every((column) =>
        columns.has(column),
      )
    ) {
      return 0;
    }
    const handBack = database.prepare(
      "UPDATE sqs_messages SET receipt_handle = NULL, visibility_deadline = NULL WHERE queue_name = ? AND receipt_handle IS NOT NULL",
    );
    return queues.reduce((sum, queue) => sum + Number(handBack.run(queue).changes), 0);
  } finally {
    database.close();
  }
}
