import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import { startRecorder } from "../../../consumer/record/recorder.ts";
import type { RecorderParts } from "../../../consumer/record/recorder.ts";
import { createBroker } from "../../../shared/broker/aws-broker.ts";
import type { Broker, Delivery } from "../../../shared/broker/broker.ts";
import { startFauxqs } from "../../../shared/broker/fauxqs-broker.ts";
import type { RunningFauxqs } from "../../../shared/broker/fauxqs-broker.ts";
import type { RunningRecorder } from "../../../shared/command.ts";
import type { Coordination } from "../../../shared/coordination/coordination.ts";
import { createMemoryCoordination } from "../../../shared/coordination/memory-coordination.ts";
import type { Ledger } from "../../../shared/ledger/ledger.ts";
import { openSqliteLedger } from "../../../shared/ledger/sqlite-ledger.ts";
import { encodeMessage } from "../../../shared/model/message.ts";
import type { Message } from "../../../shared/model/message.ts";
import { newRun } from "../../conformance/ledger-records.ts";
import { temporaryFolder } from "../../shared/broker/embedded.ts";

/** The recorder's three stores, of one test. */
export interface Stores {
  readonly broker: Broker;
  readonly ledger: Ledger;
  readonly ledgerPath: string;
  readonly coordination: Coordination;
}

/** To be called at the top of a test file: one embedded broker for its tests, queues of its own for each. */
export function useStores(): () => Promise<Stores> {
  let embedded: RunningFauxqs;
  let dataDir: string;
  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), "senpu-record-"));
    embedded = await startFauxqs({ dataDir });
  });
  afterAll(async () => {
    await embedded.stop();
    rmSync(dataDir, { recursive: true });
  });
  return async () => {
    const { endpointUrl } = embedded;
    const broker = createBroker({ endpointUrl, prefix: `t${randomUUID().slice(0, 8)}` });
    onTestFinished(() => broker.close());
    await broker.ensure(["default"]);
    const ledgerPath = join(temporaryFolder(), "ledger.db");
    return {
      broker,
      ledger: openLedger(ledgerPath),
      ledgerPath,
      coordination: createMemoryCoordination(),
    };
  };
}

export function openLedger(path: string, maxPageCount?: number): Ledger {
  const ledger = openSqliteLedger(path, maxPageCount === undefined ? {} : { maxPageCount });
  onTestFinished(() => ledger.close());
  return ledger;
}

export async function createRun(
  { ledger }: Stores,
  id: string,
  tolerance: number | null = null,
): Promise<void> {
  const now = Date.now();
  await ledger.createRun(newRun(id, { createdAt: now, tolerance }));
}

export async function startTested(parts: RecorderParts): Promise<RunningRecorder> {
  const recorder = await startRecorder(parts);
  onTestFinished(() => recorder.stop());
  return recorder;
}

/** Resolves once the condition holds after a transaction; rejects when the recorder fails. */
export async function recordedUntil(
  recorder: RunningRecorder,
  holds: () => Promise<boolean>,
): Promise<void> {
  const reached = new Promise<void>((resolve, reject) => {
    const look = (): void => void holds().then((yes) => yes && resolve(), reject);
    recorder.onRecorded(look);
    look();
  });
  await Promise.race([reached, recorder.failed]);
}

export async function publish(broker: Broker, ...messages: Message[]): Promise<void> {
  for (const message of messages) {
    const lane = message.kind === "calls" ? { lane: message.lane } : {};
    const entry = { body: encodeMessage(message), attributes: { kind: message.kind, ...lane } };
    await broker.publish(message.kind === "outcomes" ? "outcomes" : "calls", [entry]);
  }
}

/** The broker with some methods replaced. */
export function withMethods(broker: Broker, methods: Partial<Broker>): Broker {
  return new Proxy(broker, {
    get(target, name) {
      const own: unknown = Reflect.get(methods, name);
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

/** Waits for one delivery of the queue, and removes it. */
export async function takeOne(broker: Broker, queue: string): Promise<Delivery> {
  const [delivery] = await broker.receive(queue, { maxMessages: 1, waitSeconds: 10 });
  if (!delivery) throw new Error(`nothing in ${queue}`);
  await broker.remove(queue, [delivery.receipt]);
  return delivery;
}

export async function countMessages(broker: Broker, queue: string): Promise<number> {
  const { visible, notVisible, delayed } = await broker.depth(queue);
  return visible + notVisible + delayed;
}
