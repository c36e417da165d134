import { expect, test } from "vitest";
import { LEDGER_DEAD_QUEUE, LEDGER_QUEUE } from "../../../shared/broker/broker.ts";
import { SenpuError } from "../../../shared/errors.ts";
import { failed, newRun, numbered, succeeded } from "../../conformance/ledger-records.ts";
import { callsMessage, closedMessage, outcomesMessage } from "./messages.ts";
import {
  countMessages,
  createRun,
  openLedger,
  publish,
  recordedUntil,
  startTested,
  takeOne,
  useStores,
  withMethods,
} from "./record-setup.ts";
import type { Stores } from "./record-setup.ts";

const makeStores = useStores();

const stateOf = async ({ ledger }: Stores, run: string) => (await ledger.findRun(run))?.state;

test("a run's messages become its figures, and none is left", async () => {
  const stores = await makeStores();
  const { broker, ledger, coordination } = stores;
  await createRun(stores, "r");
  await coordination.claimLanes("r", [{ lane: "default", concurrency: 1 }]);
  const ids = numbered(30);
  const recorder = await startTested(stores);
  await publish(
    broker,
    ...ids.map((id) => callsMessage("r", [id])),
    ...ids.map((id) => outcomesMessage("r", succeeded(id))),
    closedMessage("r", 30),
  );
  await recordedUntil(recorder, async () => (await stateOf(stores, "r")) === "settled");
  await recorder.stop();
  expect(await ledger.figures("r", Date.now())).toMatchObject({
    planned: 30,
    succeeded: 30,
    duplicates: 0,
  });
  expect(await countMessages(broker, LEDGER_QUEUE)).toBe(0);
  expect(await coordination.lanes()).toEqual([]);
});

test("what it has received when it is told to stop is recorded first", async () => {
  const stores = await makeStores();
  await createRun(stores, "r");
  const recorder = await startTested(stores);
  await publish(stores.broker, ...numbered(25).map((id) => callsMessage("r", [id])));
  await recordedUntil(recorder, async () => (await stores.ledger.findRun("r"))!.planned > 0);
  await recorder.stop();
  const { planned } = (await stores.ledger.findRun("r"))!;
  expect(planned + (await countMessages(stores.broker, LEDGER_QUEUE))).toBe(25);
});

test("a death between the commit and the removal costs duplicates, and nothing else", async () => {
  const stores = await makeStores();
  const { broker, ledger } = stores;
  await createRun(stores, "r");
  await publish(
    broker,
    callsMessage("r", ["a", "b"]),
    outcomesMessage("r", succeeded("a"), failed("b")),
  );
  const dying = await startTested({
    ...stores,
    broker: withMethods(broker, {
      receive: (queue, options) => broker.receive(queue, { ...options, visibilitySeconds: 1 }),
      remove: async () => {
        throw new SenpuError("broker", "died before the removal");
      },
    }),
  });
  await expect(dying.failed).rejects.toThrow("died before the removal");
  await dying.stop();

  const successor = await startTested(stores);
  await publish(broker, closedMessage("r", 2));
  await recordedUntil(successor, async () => {
    const { state, duplicates } = await ledger.figures("r", Date.now());
    return state === "settled" && duplicates > 0;
  });
  expect(await ledger.figures("r", Date.now())).toMatchObject({
    planned: 2,
    succeeded: 1,
    failed: 1,
    attempts: 2,
  });
});

test("nothing is removed before it is committed", async () => {
  const stores = await makeStores();
  const { broker, ledger } = stores;
  await createRun(stores, "r");
  const atRemoval: number[] = [];
  const recorder = await startTested({
    ...stores,
    broker: withMethods(broker, {
      remove: async (queue, receipts) => {
        atRemoval.push((await ledger.findRun("r"))!.planned);
        await broker.remove(queue, receipts);
      },
    }),
  });
  await publish(broker, callsMessage("r", ["a"]));
  await recordedUntil(recorder, async () => (await ledger.findRun("r"))!.planned === 1);
  await recorder.stop();
  expect(atRemoval).toEqual([1]);
});

test("a message that cannot be read goes aside with the reason, and keeps no other from being recorded", async () => {
  const stores = await makeStores();
  const { broker, ledger } = stores;
  await createRun(stores, "r");
  await broker.send(LEDGER_QUEUE, [{ body: "hello?", attributes: { from: "somebody" } }]);
  await publish(
    broker,
    callsMessage("r", ["a"]),
    outcomesMessage("r", { ...succeeded("a"), attempts: 0.5 }),
  );
  const recorder = await startTested(stores);
  await recordedUntil(recorder, async () => (await ledger.findRun("r"))!.planned === 1);
  const letters = [
    await takeOne(broker, LEDGER_DEAD_QUEUE),
    await takeOne(broker, LEDGER_DEAD_QUEUE),
  ];
  letters.sort((a, b) => a.body.length - b.body.length);
  expect(letters[0]).toMatchObject({ body: "hello?", attributes: { from: "somebody" } });
  expect(letters[0]?.attributes["reason"]).toMatch(/^not JSON: /);
  expect(letters[1]?.attributes["reason"]).toMatch(
    /attempts should be a whole number, and is 0\.5/,
  );
  await recorder.stop();
  expect(await countMessages(broker, LEDGER_QUEUE)).toBe(0);
});

test("a full ledger ends the recorder with the reason; what it had received waits for one with space", async () => {
  const stores = await makeStores();
  const { broker, ledger, ledgerPath } = stores;
  await createRun(stores, "r");
  const ids = numbered(3000);
  const chunks = Array.from({ length: 30 }, (_, at) => ids.slice(at * 100, at * 100 + 100));
  await publish(
    broker,
    ...chunks.map((chunk) => callsMessage("r", chunk)),
    ...chunks.map((chunk) => outcomesMessage("r", ...chunk.map((id) => succeeded(id)))),
    closedMessage("r", ids.length),
  );
  const open = new Set<string>();
  const close = (receipts: readonly string[]) =>
    receipts.forEach((receipt) => open.delete(receipt));
  const watched = withMethods(broker, {
    receive: async (queue, options) => {
      const deliveries = await broker.receive(queue, options);
      for (const { receipt } of deliveries) open.add(receipt);
      return deliveries;
    },
    remove: (queue, receipts) => broker.remove(queue, receipts).then(() => close(receipts)),
    release: (queue, receipts) => broker.release(queue, receipts).then(() => close(receipts)),
  });
  const full = await startTested({
    ...stores,
    broker: watched,
    ledger: openLedger(ledgerPath, 40),
  });
  await expect(full.failed).rejects.toMatchObject({
    code: "ledger",
    message: expect.stringContaining("no space left"),
  });
  await full.stop();
  expect(open.size).toBe(0);
  expect(await stateOf(stores, "r")).toBe("running");

  const successor = await startTested(stores);
  await recordedUntil(successor, async () => (await stateOf(stores, "r")) === "settled");
  expect(await ledger.figures("r", Date.now())).toMatchObject({
    planned: 3000,
    succeeded: 3000,
    pending: 0,
  });
});

test("a run past its tolerance is stopped for every worker, in the generation that it has", async () => {
  const stores = await makeStores();
  const { broker, ledger, coordination } = stores;
  await createRun(stores, "r", 0);
  await ledger.restartRun("r", { generation: 1, state: "running" }, "test", Date.now());
  await coordination.setControl("r", { generation: 2, state: "running" });
  const recorder = await startTested(stores);
  await publish(broker, callsMessage("r", ["a", "b"]), outcomesMessage("r", failed("a")));
  await recordedUntil(recorder, async () => (await stateOf(stores, "r")) === "stopped");
  expect(await coordination.control("r")).toEqual({ generation: 2, state: "stopped" });
});

test("C1 C3 R3 a recorder that starts tells workers what whoever died did not", async () => {
  const stores = await makeStores();
  const { ledger, coordination } = stores;
  for (const run of ["stopped", "settled", "restarted", "paused", "cancelled"]) {
    await ledger.createRun(newRun(run, { tolerance: 0 }));
    await coordination.setControl(run, { generation: 1, state: "running" });
    await coordination.claimLanes(run, [{ lane: run, concurrency: 1 }]);
  }
  for (const state of ["stopped", "paused", "cancelled"] as const) {
    await ledger.setState(state, state, "whoever died", Date.now());
  }
  await ledger.record([{ kind: "closed", run: "settled", generation: 1, planned: 0 }], Date.now());
  await startTested(stores);
  for (const state of ["stopped", "paused", "cancelled"]) {
    expect(await coordination.control(state)).toMatchObject({ state });
  }
  expect(await coordination.control("restarted")).toMatchObject({ state: "running" });
  expect((await coordination.lanes()).map(({ lane }) => lane)).toEqual([
    "cancelled",
    "paused",
    "restarted",
    "stopped",
  ]);
});

test("two recorders share the work, and count it once", async () => {
  const stores = await makeStores();
  const { broker, ledgerPath } = stores;
  await createRun(stores, "r");
  const one = await startTested(stores);
  const other = await startTested({ ...stores, ledger: openLedger(ledgerPath) });
  const ids = numbered(200);
  await publish(broker, closedMessage("r", 200));
  await Promise.all(
    ids.map((id) => publish(broker, outcomesMessage("r", succeeded(id)), callsMessage("r", [id]))),
  );
  const settled = async () => (await stateOf(stores, "r")) === "settled";
  await Promise.race([recordedUntil(one, settled), recordedUntil(other, settled)]);
  await Promise.all([one.stop(), other.stop()]);
  expect(await stores.ledger.figures("r", Date.now())).toMatchObject({
    planned: 200,
    succeeded: 200,
    duplicates: 0,
  });
});
