import { Queue, Worker } from "bullmq";
import { Agent, request } from "undici";
import { callUrl, readEntryOptions, tellResult } from "./entry.ts";

/** BullMQ as its documentation has it: a job a call, added in bulk, one worker with so many jobs at a time. */
const { url, calls, concurrency, redisPort = 0 } = readEntryOptions();

const QUEUE = "calls";
/** Jobs of one `addBulk`, which is one transaction. */
const BULK = 1_000;
const ATTEMPTS = 4;

const dispatcher = new Agent({ connections: concurrency });
// A worker's blocking reads must not be given up. Source: BullMQ's guide, "Connections".
const connection = { host: "127.0.0.1", port: redisPort, maxRetriesPerRequest: null };
const queue = new Queue<number>(QUEUE, { connection });
await queue.waitUntilReady();
const finished = Promise.withResolvers<void>();
let succeeded = 0;

const startedAt = performance.now();
const worker = new Worker<number>(
  QUEUE,
  async ({ data }) => {
    const { statusCode, body } = await request(callUrl(url, data), { dispatcher });
    await body.text();
    if (statusCode !== 200) throw new Error(`status ${statusCode}`);
  },
  { connection, concurrency },
);
worker.on("error", (error) => finished.reject(error));
worker.on("completed", () => {
  if (++succeeded === calls) finished.resolve();
});

async function addJobs(): Promise<void> {
  for (let first = 0; first < calls; first += BULK) {
    const length = Math.min(BULK, calls - first);
    const opts = { attempts: ATTEMPTS, backoff: { type: "exponential", delay: 250 } };
    await queue.addBulk(
      Array.from({ length }, (_, index) => ({ name: "call", data: first + index, opts })),
    );
  }
}

await Promise.all([finished.promise, addJobs()]);
const insideMs = performance.now() - startedAt;
await worker.close();
await queue.close();
await dispatcher.close();
tellResult({ succeeded, insideMs });
