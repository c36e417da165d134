import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { publishUnrecorded } from "../../../producer/entries/publish-unrecorded.ts";
import { planFromObject } from "../../../producer/plan/read.ts";
import { LEDGER_QUEUE, laneQueue } from "../../../shared/broker/broker.ts";
import { decodeMessage } from "../../../shared/model/message.ts";
import { openSession } from "../../../shared/session.ts";
import type { Session } from "../../../shared/session.ts";
import { firedAt, runAt, startProducer } from "./fresh-producer.ts";

/** A deployment without a ledger, on the embedded broker. */
const state = mkdtempSync(join(tmpdir(), "senpu-unrecorded-"));
const never = new AbortController().signal;
let session: Session;

beforeAll(async () => {
  session = await openSession({ state });
});
afterAll(async () => {
  await session.close();
  rmSync(state, { recursive: true, force: true });
});

const start = () =>
  startProducer({
    SENPU_STATE: state,
    SENPU_ENDPOINT_URL: session.endpointUrl!,
    SENPU_LEDGER: "none",
  });
const published = async (): Promise<number> => {
  const { visible, notVisible } = await session.broker.depth(LEDGER_QUEUE);
  return visible + notVisible;
};

test("the producer publishes without a ledger, and fired twice, in two environments, is one run", async () => {
  const event = firedAt(1, "allow", 20);
  const first = await start();
  expect(await first(event)).toEqual({ run: runAt(1), state: "published", planned: 20 });
  const messages = await published();
  const second = await start();
  expect(await second(event)).toEqual({ run: runAt(1), state: "published before", planned: null });
  expect(await published()).toBe(messages);
  expect(await session.ledger.findRun(runAt(1))).toBeUndefined();
});

test("two firings at the same moment make one run", async () => {
  const event = firedAt(2, "allow", 20);
  const [one, other] = [await start(), await start()];
  const both = await Promise.all([one(event), other(event)]);
  expect(both.filter(({ state: what }) => what === "published")).toHaveLength(1);
});

test("a run that was cancelled before it was published stays so", async () => {
  await session.coordination.setControl(runAt(3), { generation: 1, state: "cancelled" });
  const produce = await start();
  expect(await produce(firedAt(3, "allow"))).toMatchObject({ state: "cancelled" });
});

test("who holds a schedule's overlap needs a ledger, and says so", async () => {
  const produce = await start();
  await expect(produce(firedAt(4, "skip"))).rejects.toThrow(
    /schedule nightly: overlap skip needs a ledger.*only allow/,
  );
});

test("what a death has left is published again in chunks of the same names, so that unsafe ones are known", async () => {
  const run = "cut";
  const calls = Array.from({ length: 400 }, (_, index) => ({
    id: `c${index}`,
    method: "POST" as const,
    url: `http://127.0.0.1/${index}`,
  }));
  const lanes = { cut: { match: "http://127.0.0.1/**" } };
  const plan = await planFromObject({ name: "p", lanes, calls }, { baseDir: "." });
  const stop = new AbortController();
  const dying = new Proxy(session.broker, {
    get(target, name) {
      if (name === "publish") stop.abort();
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
  const cut = { session: { ...session, broker: dying }, plan, run, signal: stop.signal };
  await expect(publishUnrecorded(cut)).rejects.toThrow(/run cut: time was up/);
  const before = await chunksOf("cut");
  expect(before.size).toBeGreaterThan(0);
  expect(await publishUnrecorded({ session, plan, run, signal: never })).toMatchObject({
    state: "published",
    planned: 400,
  });
  const after = await chunksOf("cut");
  for (const [chunk, ids] of before) expect(after.get(chunk), chunk).toEqual(ids);
  expect([...after.values()].flat()).toHaveLength(400);
});

/** By name, what calls each message of the lane has; they are gone then. */
async function chunksOf(lane: string): Promise<Map<string, string[]>> {
  const chunks = new Map<string, string[]>();
  for (;;) {
    const deliveries = await session.broker.receive(laneQueue(lane), {
      maxMessages: 10,
      waitSeconds: 0,
    });
    if (deliveries.length === 0) return chunks;
    for (const { body } of deliveries) {
      const message = decodeMessage(body);
      if (message.kind !== "calls") continue;
      const ids = message.calls.map(({ id }) => id);
      chunks.set(message.chunk, ids);
    }
    await session.broker.remove(
      laneQueue(lane),
      deliveries.map(({ receipt }) => receipt),
    );
  }
}
