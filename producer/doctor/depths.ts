import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  LEDGER_DEAD_QUEUE,
  LEDGER_QUEUE,
  UNROUTED_QUEUE,
  deadQueue,
  failedQueue,
  laneQueue,
} from "../../shared/broker/broker.ts";
import type { Broker } from "../../shared/broker/broker.ts";
import { DATABASE_FILE } from "../../shared/broker/fauxqs-data.ts";
import { openBroker } from "../../shared/broker/open.ts";
import { DEFAULT_PREFIX, UNDELIVERED_QUEUE } from "../../shared/broker/topology.ts";
import { canConnect } from "./can-connect.ts";
import type { Examination } from "./finding.ts";
import { lookAt } from "./stores.ts";

/** Messages by queue, in senpu's own names; a queue that is not there is left out. */
export type Depths = ReadonlyMap<string, number>;

/**
 * The embedded broker's are read from its file, which holds at any moment what the broker does: so nobody needs to run
 * it. Undefined where there is no such file yet, or the endpoint does not answer.
 */
export async function readDepths(examination: Examination): Promise<Depths | undefined> {
  const { folder, endpointUrl } = examination;
  if (endpointUrl === undefined) return readFile(join(folder.brokerData, DATABASE_FILE));
  if (!(await canConnect(endpointUrl))) return undefined;
  const broker = openBroker(endpointUrl);
  try {
    return await askBroker(broker);
  } finally {
    await broker.close();
  }
}

function readFile(path: string): Depths | undefined {
  if (!existsSync(path)) return undefined;
  const prefix = `${DEFAULT_PREFIX}-`;
  const rows = lookAt(path, (database) =>
    database
      .prepare(
        `SELECT name, (SELECT count(*) FROM sqs_messages WHERE queue_name = name) AS depth
         FROM sqs_queues WHERE name GLOB ? ORDER BY name`,
      )
      .all(`${prefix}*`),
  );
  return new Map(
    rows.map((row) => [String(row["name"]).slice(prefix.length), Number(row["depth"])]),
  );
}

async function askBroker(broker: Broker): Promise<Depths> {
  const lanes = await broker.lanes();
  const queues = [
    LEDGER_QUEUE,
    LEDGER_DEAD_QUEUE,
    UNROUTED_QUEUE,
    UNDELIVERED_QUEUE,
    ...lanes.flatMap((lane) => [laneQueue(lane), failedQueue(lane), deadQueue(lane)]),
  ];
  const depths = await Promise.all(
    queues.map(async (queue) => {
      const { visible, notVisible, delayed } = await broker.depth(queue);
      return [queue, visible + notVisible + delayed] as const;
    }),
  );
  return new Map(depths);
}
