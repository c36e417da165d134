import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { GetQueueUrlCommand, SQSClient } from "@aws-sdk/client-sqs";
import { bundleFunctions } from "../../../infra/bundle/bundle.ts";
import { FUNCTIONS } from "../../../infra/bundle/functions.ts";
import { ExecutionEnvironment } from "../../../infra/lambda/execution-environment.ts";
import { createBroker } from "../../../shared/broker/aws-broker.ts";
import type { Broker, Delivery } from "../../../shared/broker/broker.ts";
import { laneQueue } from "../../../shared/broker/broker.ts";
import { DEFAULT_PREFIX } from "../../../shared/broker/topology.ts";
import { toRecord } from "../../../shared/lambda/sqs-event.ts";
import type { SqsEvent } from "../../../shared/lambda/sqs-event.ts";
import { DEFAULT_LANE } from "../../../shared/model/lane.ts";
import { encodeMessage } from "../../../shared/model/message.ts";
import { attachBroker } from "../../../shared/state/held-broker.ts";
import { makePolicy } from "../../support/policy.ts";
import { describeMachine } from "../machine.ts";
import { renderMachine } from "../render.ts";
import { Scratch } from "../scratch.ts";
import { startServer } from "../server.ts";
import { median } from "../statistics.ts";

/**
 * `npm run bench:lambda`: the consumer function beside a minimal handler with the same SDK, both bundled alike and run by
 * AWS's own runtime client: how long until it waits for its first event, what its first batch of ten messages takes, and
 * a later one, and its memory. In turn, a new environment each round. `--write`: into `results.md` beside this file.
 */

const MESSAGES = 10;
const CALLS_A_MESSAGE = 20;
const WARM_BATCHES = 8;
const MEMORY_MB = 512;
const TIMEOUT_MS = 30_000;
const CONTESTANTS = [
  { name: "minimal", title: "minimal handler", entry: "test/bench/lambda/minimal-handler.ts" },
  { name: "consumer", title: "**senpu's consumer**", entry: FUNCTIONS.consumer.entry },
] as const;

interface Sample {
  readonly initMs: number;
  readonly firstMs: number;
  readonly warmMs: number;
  readonly memoryMb: number;
}

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    write: { type: "boolean", default: false },
  },
});
const queue = laneQueue(DEFAULT_LANE);
const scratch = new Scratch();
const server = await startServer(scratch, "auto");
const state = scratch.makeFolder("state");
const attached = await attachBroker({ state, standby: false });
const broker = createBroker({ endpointUrl: attached.endpointUrl });
try {
  await broker.ensure([DEFAULT_LANE]);
  const bundles = await bundleFunctions(
    CONTESTANTS.map(({ name, entry }) => ({ name, entry, maxBytes: 2_000_000 })),
    scratch.makeFolder("functions"),
  );
  const variables = {
    SENPU_STATE: state,
    SENPU_ENDPOINT_URL: attached.endpointUrl,
    OUTCOMES_TOPIC: `arn:aws:sns:us-east-1:000000000000:${DEFAULT_PREFIX}-outcomes`,
    LANE_QUEUE_URL: await queueUrl(attached.endpointUrl, `${DEFAULT_PREFIX}-${queue}`),
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
  };
  const samples = new Map<string, Sample[]>(CONTESTANTS.map(({ name }) => [name, []]));
  for (let round = 0; round <= Number(values.rounds); round++) {
    for (const [nth, { name }] of CONTESTANTS.entries()) {
      process.stderr.write(`round ${round} of ${values.rounds}: ${name}\n`);
      const sample = await play(broker, bundles[nth]!.folder, name, variables);
      // The first fills the machine's caches.
      if (round > 0) samples.get(name)!.push(sample);
    }
  }
  const text = render(samples, new Map(bundles.map(({ name, bytes }) => [name, bytes])));
  process.stdout.write(text);
  if (values.write) writeFileSync(new URL("./results.md", import.meta.url), text);
} finally {
  await broker.close();
  await attached.close();
  await scratch.close();
}

async function play(
  to: Broker,
  folder: string,
  name: string,
  variables: Readonly<Record<string, string>>,
): Promise<Sample> {
  const environment = await ExecutionEnvironment.start({
    name,
    folder,
    memoryMb: MEMORY_MB,
    timeoutMs: TIMEOUT_MS,
    variables,
    onLog: () => {},
  });
  try {
    const calledBefore = await server.count();
    const first = await environment.invoke(await nextBatch(to));
    const warm: number[] = [];
    let last = first;
    for (let nth = 0; nth < WARM_BATCHES; nth++) {
      last = await environment.invoke(await nextBatch(to));
      warm.push(last.durationMs);
    }
    const called = (await server.count()) - calledBefore;
    const planned = (WARM_BATCHES + 1) * MESSAGES * CALLS_A_MESSAGE;
    const { visible, notVisible } = await to.depth(queue);
    if (last.end.kind !== "returned" || called !== planned || visible + notVisible > 0) {
      throw new Error(
        `${name}: ${called} of ${planned} calls, ${visible + notVisible} messages left, ${JSON.stringify(last.end)}`,
      );
    }
    return {
      initMs: first.initMs!,
      firstMs: first.durationMs,
      warmMs: median(warm),
      memoryMb: last.maxMemoryMb,
    };
  } finally {
    await environment.stop();
  }
}

/** Ten messages as the event source mapping hands them over, in flight in their queue. */
async function nextBatch(to: Broker): Promise<SqsEvent> {
  const bodies = Array.from({ length: MESSAGES }, () => {
    const chunk = randomUUID();
    return encodeMessage({
      v: 2,
      kind: "calls",
      run: "bench",
      generation: 1,
      lane: DEFAULT_LANE,
      chunk,
      policy: makePolicy(),
      calls: Array.from({ length: CALLS_A_MESSAGE }, (_, nth) => ({
        id: `${chunk}-${nth}`,
        url: `${server.url}/items/${nth}`,
      })),
    });
  });
  await to.send(
    queue,
    bodies.map((body) => ({ body })),
  );
  const deliveries: Delivery[] = [];
  while (deliveries.length < MESSAGES) {
    const maxMessages = MESSAGES - deliveries.length;
    deliveries.push(...(await to.receive(queue, { maxMessages, waitSeconds: 1 })));
  }
  const from = { queue: `${DEFAULT_PREFIX}-${queue}`, receivedAt: Date.now() };
  return {
    Records: deliveries.map((delivery) => toRecord(delivery, { ...from, messageId: randomUUID() })),
  };
}

async function queueUrl(endpoint: string, QueueName: string): Promise<string> {
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const sqs = new SQSClient({ endpoint, region: "us-east-1", credentials });
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName }));
  sqs.destroy();
  return QueueUrl!;
}

function render(
  samples: ReadonlyMap<string, readonly Sample[]>,
  bytes: ReadonlyMap<string, number>,
): string {
  const of = (name: string, what: keyof Sample): number =>
    median(samples.get(name)!.map((sample) => sample[what]));
  const rows = CONTESTANTS.map(({ name, title }) => {
    const cell = (what: "initMs" | "firstMs" | "warmMs"): string => {
      const ratio = of(name, what) / of("minimal", what);
      return `${Math.round(of(name, what))} ms (${ratio.toFixed(2)})`;
    };
    return `| ${title} | ${Math.round(bytes.get(name)! / 1_000)} kB | ${cell("initMs")} | ${cell("firstMs")} | ${cell("warmMs")} | ${Math.round(of(name, "memoryMb"))} MB |`;
  });
  return [
    "# The consumer as a function",
    "",
    `\`npm run bench:lambda -- --rounds ${values.rounds}\`. Medians of ${values.rounds} environments, in turn; in parentheses: of the minimal handler's.`,
    ...renderMachine(describeMachine(), server.kind),
    "",
    `A batch is ${MESSAGES} messages of ${CALLS_A_MESSAGE} calls each, which the server answers at once. The minimal handler makes them with fetch,`,
    "publishes one message about them and deletes the ten, with the same SDK; it holds no limit, tries nothing again, and after a",
    "crash knows nothing. Lambda's own start of a machine comes before both.",
    "",
    "| function | code at start | until it waits | first batch | later batch | memory |",
    "|---|---:|---:|---:|---:|---:|",
    ...rows,
    "",
  ].join("\n");
}
