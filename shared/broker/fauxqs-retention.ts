import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { laneQueue } from "./broker.ts";
import { DATABASE_FILE } from "./fauxqs-data.ts";
import { DEFAULT_PREFIX } from "./topology.ts";

/**
 * Deletes what SQS would have deleted, and the embedded broker keeps: messages of lanes, their `failed` and `dead` queues
 * included, that are older than their queue's retention. What is meant for the ledger stays, however old: here nothing
 * is lost that has not been recorded. Only what was sent before `before`, and only while no broker runs on the data.
 * Returns how many.
 */
export function removeExpired(dataDir: string, before: number, now: number): number {
  const path = join(dataDir, DATABASE_FILE);
  if (!existsSync(path)) return 0;
  const database = new DatabaseSync(path);
  try {
    const { changes } = database
      .prepare(
        `DELETE FROM sqs_messages WHERE message_id IN (
           SELECT message_id FROM sqs_messages AS message JOIN sqs_queues AS queue ON queue.name = message.queue_name
           WHERE queue.name GLOB ? AND sent_timestamp <
             MIN(?, ? - 1000 * CAST(queue.attributes ->> '$.MessageRetentionPeriod' AS INTEGER)))`,
      )
      .run(`${DEFAULT_PREFIX}-${laneQueue("*")}`, before, now);
    return Number(changes);
  } finally {
    database.close();
  }
}
