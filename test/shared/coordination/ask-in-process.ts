import { openSqliteCoordination } from "../../../shared/coordination/sqlite-coordination.ts";
import { PROCESS_TASK as task } from "./process-task.ts";

/**
 * Asks for a probe of each closed destination, then widens the window of an open one, success by success. Sends how many
 * probes it was given. Arguments: the file, the worker's name, when to begin.
 */
const [path, worker, beginAt] = process.argv.slice(2);
const coordination = openSqliteCoordination(path!);
while (Date.now() < Number(beginAt)) await new Promise<void>((resolve) => setTimeout(resolve, 1));

let probes = 0;
for (const origin of task.closed) {
  const request = { lane: "crm", origin, worker: worker!, ttlMs: 60_000, now: task.now };
  if (await coordination.probe(request)) probes++;
}
for (let success = 0; success < task.successes; success++) {
  await coordination.grow({ ...task.growth, successes: 1, now: task.now });
}
await coordination.close();
process.send!(probes);
