import { expect, test } from "vitest";
import { Committer } from "../../../consumer/record/committer.ts";
import { lookRound } from "../../../consumer/record/keep-house.ts";
import type { HouseParts } from "../../../consumer/record/keep-house.ts";
import { chunkKey } from "../../../consumer/receive/chunk.ts";
import {
  UNROUTED_QUEUE,
  deadQueue,
  failedQueue,
  laneQueue,
} from "../../../shared/broker/broker.ts";
import type { Broker } from "../../../shared/broker/broker.ts";
import { SenpuError } from "../../../shared/errors.ts";
import { decodeMessage, encodeMessage } from "../../../shared/model/message.ts";
import type { CallsMessage } from "../../../shared/model/message.ts";
import { collect, outcomes, planned, succeeded } from "../../conformance/ledger-records.ts";
import { callsMessage, closedMessage } from "./messages.ts";
import {
  countMessages,
  createRun,
  publish,
  takeOne,
  useStores,
  withMethods,
} from "./record-setup.ts";
import type { Stores } from "./record-setup.ts";

const makeStores = useStores();

const DEAD = deadQueue("default");
const FAILED = failedQueue("default");

function house(stores: Stores, broker: Broker = stores.broker): HouseParts {
  const committer = new Committer(stores.ledger, stores.coordination);
  return { ...stores, broker, committer, signal: new AbortController().signal };
}

const sendDead = (broker: Broker, message: CallsMessage) =>
  broker.send(DEAD, [{ body: encodeMessage(message), attributes: { lane: message.lane } }]);

test("calls that workers died on are abandoned, a letter each", async () => {
  const stores = await makeStores();
  const { broker, ledger } = stores;
  await createRun(stores, "r");
  await ledger.record([planned("r", ["a", "b"])], Date.now());
  const message = callsMessage("r", ["a", "b"]);
  const [a, b] = message.calls as [CallsMessage["calls"][0], CallsMessage["calls"][0]];
  await sendDead(broker, {
    ...message,
    calls: [a, { ...b, attempts: 2, startedAt: 1_785_542_400_000 }],
  });
  await lookRound(house(stores));

  const rows = await collect(ledger.calls("r", {}));
  const abandoned = {
    state: "failed",
    reason: "abandoned",
    error: "its worker died on it, repeatedly",
  };
  expect(rows).toMatchObject([
    { id: "a", attempts: 0, startedAt: null, ...abandoned },
    { id: "b", attempts: 2, startedAt: "2026-08-01T00:00:00.000Z", ...abandoned },
  ]);
  const letters = [await takeOne(broker, FAILED), await takeOne(broker, FAILED)];
  letters.sort((x, y) => (x.attributes["call"]! < y.attributes["call"]! ? -1 : 1));
  expect(letters.map(({ attributes }) => [attributes["call"], attributes["reason"]])).toEqual([
    ["a", "abandoned"],
    ["b", "abandoned"],
  ]);
  expect(decodeMessage(letters[0]!.body)).toMatchObject({ kind: "calls", calls: [a] });
  expect(await countMessages(broker, DEAD)).toBe(0);
});

test("calls of it that were accounted for before are left out", async () => {
  const stores = await makeStores();
  const { broker, ledger, coordination } = stores;
  await createRun(stores, "r");
  await ledger.record([planned("r", ["a", "b", "c"])], Date.now());
  const message = callsMessage("r", ["a", "b", "c"]);
  await coordination.writeCheckpoint(
    chunkKey(message),
    { done: [0], attempts: { 1: 4 } },
    Date.now(),
  );
  // Its outcome was on the way when the last worker died, before a checkpoint.
  await ledger.record([outcomes("r", succeeded("c"))], Date.now());
  await sendDead(broker, message);
  await lookRound(house(stores));
  expect(await collect(ledger.calls("r", {}))).toMatchObject([
    { id: "a", state: "pending" },
    { id: "b", reason: "abandoned", attempts: 4 },
    { id: "c", state: "succeeded" },
  ]);
  expect((await takeOne(broker, FAILED)).attributes).toMatchObject({ call: "b", attempts: "4" });
  expect(await countMessages(broker, FAILED)).toBe(0);
  expect(await coordination.readCheckpoint(chunkKey(message))).toMatchObject({ over: true });
});

test("a death before the letters leaves no call without one, and none told of without one", async () => {
  const stores = await makeStores();
  const { broker, ledger } = stores;
  await createRun(stores, "r");
  await ledger.record([planned("r", ["a"])], Date.now());
  await sendDead(broker, callsMessage("r", ["a"]));
  const receipts: string[] = [];
  const dying = withMethods(broker, {
    receive: async (queue, options) => {
      const deliveries = await broker.receive(queue, options);
      receipts.push(...deliveries.map(({ receipt }) => receipt));
      return deliveries;
    },
    send: async () => {
      throw new SenpuError("broker", "died before the letter");
    },
  });
  await lookRound(house(stores, dying));
  expect(await ledger.figures("r", Date.now())).toMatchObject({ failed: 0 });
  expect(await countMessages(broker, FAILED)).toBe(0);

  await broker.release(DEAD, receipts);
  let patience = 5;
  const waiting = withMethods(broker, {
    receive: (queue, options) => {
      const waitSeconds = queue === DEAD ? patience : 0;
      patience = 0;
      return broker.receive(queue, { ...options, waitSeconds });
    },
  });
  await lookRound(house(stores, waiting));
  expect((await takeOne(broker, FAILED)).attributes).toMatchObject({
    call: "a",
    reason: "abandoned",
  });
  expect(await ledger.figures("r", Date.now())).toMatchObject({ failed: 1, duplicates: 0 });
  expect(await countMessages(broker, DEAD)).toBe(0);
});

test("a run that ends by an abandoned call is told of like any other", async () => {
  const stores = await makeStores();
  const { broker, ledger, coordination } = stores;
  await createRun(stores, "r");
  await coordination.claimLanes("r", [{ lane: "default", concurrency: 1 }]);
  const end = { kind: "closed", run: "r", generation: 1, planned: 1 } as const;
  await ledger.record([planned("r", ["a"]), end], Date.now());
  await sendDead(broker, callsMessage("r", ["a"]));
  await lookRound(house(stores));
  expect(await ledger.findRun("r")).toMatchObject({ state: "settled", failed: 1 });
  expect(await coordination.lanes()).toEqual([]);
});

test("a message of an older generation is dropped: its calls were published anew", async () => {
  const stores = await makeStores();
  const { broker, ledger } = stores;
  await createRun(stores, "r");
  await ledger.record([planned("r", ["a"])], Date.now());
  await ledger.restartRun("r", { generation: 1, state: "running" }, "test", Date.now());
  await sendDead(broker, callsMessage("r", ["a"]));
  await lookRound(house(stores));
  expect(await ledger.figures("r", Date.now())).toMatchObject({ pending: 1, failed: 0 });
  expect(await countMessages(broker, DEAD)).toBe(0);
  expect(await countMessages(broker, FAILED)).toBe(0);
});

test("calls of a run that no ledger knows still become letters", async () => {
  const stores = await makeStores();
  await sendDead(stores.broker, callsMessage("elsewhere", ["a"]));
  await lookRound(house(stores));
  expect((await takeOne(stores.broker, FAILED)).attributes).toMatchObject({
    run: "elsewhere",
    call: "a",
  });
});

test("what cannot be read stays dead, out of sight for a while", async () => {
  const stores = await makeStores();
  const { broker } = stores;
  const extended: number[] = [];
  const watched = withMethods(broker, {
    extend: (queue, receipts, seconds) => {
      extended.push(seconds);
      return broker.extend(queue, receipts, seconds);
    },
  });
  await broker.send(DEAD, [{ body: "hello?" }, { body: encodeMessage(closedMessage("r", 1)) }]);
  await lookRound(house(stores, watched));
  expect(extended).toContain(600);
  expect(await broker.depth(DEAD)).toMatchObject({ visible: 0, notVisible: 2 });
});

test("messages that came before their lane had a queue go on to it once it has; others stay", async () => {
  const stores = await makeStores();
  const { broker, coordination } = stores;
  await publish(
    broker,
    callsMessage("r", ["a"], { lane: "late" }),
    callsMessage("r", ["b"], { lane: "never" }),
  );
  await coordination.claimLanes("r", [{ lane: "late", concurrency: 1 }]);
  await lookRound(house(stores));
  const moved = await takeOne(broker, laneQueue("late"));
  expect(moved.attributes).toMatchObject({ lane: "late" });
  expect(decodeMessage(moved.body)).toMatchObject({ calls: [{ id: "a" }] });
  expect(await countMessages(broker, UNROUTED_QUEUE)).toBe(1);
});
