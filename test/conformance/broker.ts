import { randomBytes, randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Broker, Delivery } from "../../shared/broker/broker.ts";
import {
  LEDGER_QUEUE,
  UNROUTED_QUEUE,
  deadQueue,
  failedQueue,
  laneQueue,
} from "../../shared/broker/broker.ts";

/** A broker of its own set of topics and queues, so that tests do not meet. */
export type MakeBroker = (prefix: string) => Broker;

/** What senpu relies on, of any broker. `makeBroker` connects to an endpoint that outlives the suite. */
export function brokerConformance(name: string, makeBroker: MakeBroker): void {
  describe(`broker: ${name}`, () => {
    let prefix: string;
    let broker: Broker;

    beforeEach(async () => {
      prefix = `t${randomUUID().slice(0, 8)}`;
      broker = makeBroker(prefix);
      await broker.ensure(["crm", "mail"]);
    });
    afterEach(() => broker.close());

    /** Receives until there are so many, and deletes them; fails after 10 s. */
    async function take(queue: string, count: number): Promise<Delivery[]> {
      const taken: Delivery[] = [];
      const until = Date.now() + 10_000;
      while (taken.length < count) {
        if (Date.now() > until) throw new Error(`${taken.length} of ${count} messages in ${queue}`);
        const got = await broker.receive(queue, { maxMessages: 10, waitSeconds: 1 });
        await broker.remove(
          queue,
          got.map(({ receipt }) => receipt),
        );
        taken.push(...got);
      }
      return taken;
    }

    async function takeOne(queue: string, visibilitySeconds: number): Promise<Delivery> {
      const [delivery] = await broker.receive(queue, {
        maxMessages: 1,
        waitSeconds: 5,
        visibilitySeconds,
      });
      if (!delivery) throw new Error(`nothing in ${queue}`);
      return delivery;
    }

    const look = (queue: string) => broker.receive(queue, { maxMessages: 10, waitSeconds: 0 });

    describe("routing", () => {
      test("a message reaches its lane and the ledger, and no other lane", async () => {
        await broker.publish("calls", [{ body: "one", attributes: { lane: "crm" } }]);
        expect(bodies(await take(laneQueue("crm"), 1))).toEqual(["one"]);
        expect(bodies(await take(LEDGER_QUEUE, 1))).toEqual(["one"]);
        expect(await look(laneQueue("mail"))).toEqual([]);
        expect(await look(UNROUTED_QUEUE)).toEqual([]);
      });

      test("a message without a lane reaches the ledger alone", async () => {
        await broker.publish("calls", [
          { body: "closed", attributes: { kind: "closed" } },
          { body: "bare" },
        ]);
        expect(bodies(await take(LEDGER_QUEUE, 2))).toEqual(["bare", "closed"]);
        for (const queue of [laneQueue("crm"), laneQueue("mail"), UNROUTED_QUEUE]) {
          expect(await look(queue)).toEqual([]);
        }
      });

      test("an outcome reaches the ledger alone, whatever its other attributes; other news of a run does not", async () => {
        await broker.publish("outcomes", [
          { body: "settled", attributes: { kind: "settled" } },
          { body: "done", attributes: { kind: "outcomes", lane: "crm" } },
        ]);
        expect(bodies(await take(LEDGER_QUEUE, 1))).toEqual(["done"]);
        expect(await look(laneQueue("crm"))).toEqual([]);
      });

      test("what no lane takes is kept in unrouted, until its lane is there", async () => {
        await broker.publish("calls", [{ body: "early", attributes: { lane: "new" } }]);
        expect(bodies(await take(UNROUTED_QUEUE, 1))).toEqual(["early"]);
        await broker.ensure(["new"]);
        await broker.publish("calls", [
          { body: "late", attributes: { lane: "new" } },
          { body: "lost", attributes: { lane: "nobody" } },
        ]);
        expect(bodies(await take(laneQueue("new"), 1))).toEqual(["late"]);
        expect(bodies(await take(UNROUTED_QUEUE, 1))).toEqual(["lost"]);
      });

      test("a message sent to a queue reaches that queue alone", async () => {
        await broker.send(failedQueue("crm"), [{ body: "failed", attributes: { lane: "crm" } }]);
        expect(bodies(await take(failedQueue("crm"), 1))).toEqual(["failed"]);
        expect(await look(LEDGER_QUEUE)).toEqual([]);
      });
    });

    describe("ensure", () => {
      test("two processes may add lanes at once: unrouted takes neither's messages", async () => {
        const other = makeBroker(prefix);
        const lanes = ["a", "b", "c", "d", "e", "f"];
        await Promise.all(lanes.map((lane, index) => (index % 2 ? broker : other).ensure([lane])));
        await other.close();
        await broker.publish(
          "calls",
          lanes.map((lane) => ({ body: lane, attributes: { lane } })),
        );
        for (const lane of lanes) expect(bodies(await take(laneQueue(lane), 1))).toEqual([lane]);
        expect(await look(UNROUTED_QUEUE)).toEqual([]);
      });

      test("made twice, a lane still gets each message once", async () => {
        const again = makeBroker(prefix);
        await Promise.all([again.ensure(["crm"]), again.ensure(["crm"])]);
        await again.close();
        await broker.publish("calls", [{ body: "once", attributes: { lane: "crm" } }]);
        expect(bodies(await take(laneQueue("crm"), 1))).toEqual(["once"]);
        expect(await look(laneQueue("crm"))).toEqual([]);
        expect(bodies(await take(LEDGER_QUEUE, 1))).toEqual(["once"]);
        expect(await look(LEDGER_QUEUE)).toEqual([]);
      });

      test("a lane whose queues would be another lane's is refused", async () => {
        await expect(broker.ensure(["crm-dead"])).rejects.toThrow(/lane "crm-dead"/);
        await expect(broker.ensure(["Größe"])).rejects.toThrow(/1 to 40 of a-z/);
      });
    });

    describe("names", () => {
      test("a process that has made nothing finds topics and queues", async () => {
        const other = makeBroker(prefix);
        await other.publish("calls", [{ body: "x", attributes: { lane: "crm" } }]);
        await other.close();
        expect(bodies(await take(laneQueue("crm"), 1))).toEqual(["x"]);
      });

      test("of lanes are those that have queues, whoever made them", async () => {
        const other = makeBroker(prefix);
        await other.ensure(["added"]);
        await other.close();
        expect(await broker.lanes()).toEqual(["added", "crm", "mail"]);
      });

      test("a queue that does not exist is an error that names it", async () => {
        const asked = broker.receive(laneQueue("nobody"), { maxMessages: 1, waitSeconds: 0 });
        await expect(asked).rejects.toThrow(`queue ${prefix}-lane-nobody does not exist`);
      });
    });

    describe("bodies and attributes", () => {
      const UNICODE = '{"a":"äß – 漢字 🎐 \\u0000 \\"quoted\\" & <tag>","b":"line\\n\\ttab"}\n';

      test("arrive as they were published", async () => {
        const attributes = { lane: "crm", kind: "calls", note: "Grüße 🎐 & = %20" };
        await broker.publish("calls", [{ body: UNICODE, attributes }]);
        const [delivery] = await take(laneQueue("crm"), 1);
        expect(delivery).toMatchObject({ body: UNICODE, attributes, receiveCount: 1 });
        expect(Math.abs(Date.now() - delivery!.sentAt)).toBeLessThan(60_000);
      });

      test("arrive as they were sent", async () => {
        const attributes = Object.fromEntries(
          Array.from({ length: 10 }, (_, n) => [`a${n}`, `é${n}`]),
        );
        await broker.send(laneQueue("crm"), [{ body: UNICODE, attributes }]);
        expect((await take(laneQueue("crm"), 1))[0]).toMatchObject({ body: UNICODE, attributes });
      });

      test("of 240 KB pass the topic, several in one call", async () => {
        const large = ["x", "y", "z"].map((letter) => letter.repeat(240_000));
        await broker.publish(
          "calls",
          large.map((body) => ({ body, attributes: { lane: "crm" } })),
        );
        expect(bodies(await take(laneQueue("crm"), 3))).toEqual(large);
      });

      test("of a megabyte pass a queue", async () => {
        const body = "ü".repeat(500_000);
        await broker.send(laneQueue("crm"), [{ body }]);
        expect((await take(laneQueue("crm"), 1))[0]?.body).toBe(body);
      });

      test("any number goes in one call, and each arrives once", async () => {
        const sent = Array.from({ length: 57 }, (_, n) => String(n)).sort();
        await broker.publish(
          "calls",
          sent.map((body) => ({ body, attributes: { lane: "mail" } })),
        );
        expect(bodies(await take(laneQueue("mail"), sent.length))).toEqual(sent);
        expect(await look(laneQueue("mail"))).toEqual([]);
      });

      test("too large by themselves are refused before anything is sent", async () => {
        // Of no pattern, so that it does not shrink on the way.
        const text = randomBytes(840_000).toString("base64");
        const body = text.slice(0, 280_000);
        await expect(broker.publish("calls", [{ body: "ok" }, { body }])).rejects.toThrow(
          /\d{6} bytes.*SNS PublishBatch, 262144 bytes/,
        );
        await expect(broker.send(LEDGER_QUEUE, [{ body: text }])).rejects.toThrow(/1048576 bytes/);
        expect(await look(LEDGER_QUEUE)).toEqual([]);
      });

      test("that nobody could receive are refused", async () => {
        await expect(broker.publish("calls", [{ body: "" }])).rejects.toThrow(/empty body/);
        await expect(
          broker.publish("calls", [{ body: "x", attributes: { a: "" } }]),
        ).rejects.toThrow(/"a" is empty/);
        const attributes = Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`a${n}`, "v"]));
        await expect(broker.send(LEDGER_QUEUE, [{ body: "x", attributes }])).rejects.toThrow(
          /11 attributes/,
        );
      });
    });

    describe("receives", () => {
      test("are counted", async () => {
        await broker.send(laneQueue("crm"), [{ body: "x" }]);
        const counts = [];
        for (let n = 0; n < 3; n++) counts.push((await takeOne(laneQueue("crm"), 0)).receiveCount);
        expect(counts).toEqual([1, 2, 3]);
      });

      test("end when their visibility timeout does", async () => {
        await broker.send(laneQueue("crm"), [{ body: "x" }]);
        const from = Date.now();
        await takeOne(laneQueue("crm"), 1);
        expect(await look(laneQueue("crm"))).toEqual([]);
        expect(await takeOne(laneQueue("crm"), 30)).toMatchObject({ body: "x", receiveCount: 2 });
        expect(Date.now() - from).toBeGreaterThan(900);
      });

      test("can be extended", async () => {
        await broker.send(laneQueue("crm"), [{ body: "x" }]);
        const { receipt } = await takeOne(laneQueue("crm"), 1);
        expect(await broker.extend(laneQueue("crm"), [receipt], 3)).toEqual([]);
        expect(await broker.receive(laneQueue("crm"), { maxMessages: 1, waitSeconds: 2 })).toEqual(
          [],
        );
        expect(await takeOne(laneQueue("crm"), 30)).toMatchObject({ receiveCount: 2 });
      });

      test("more than ten can be extended and removed in one call", async () => {
        const queue = laneQueue("crm");
        await broker.send(
          queue,
          Array.from({ length: 23 }, (_, n) => ({ body: `${n}` })),
        );
        const receipts: string[] = [];
        while (receipts.length < 23) {
          const got = await broker.receive(queue, { maxMessages: 10, waitSeconds: 1 });
          receipts.push(...got.map(({ receipt }) => receipt));
        }
        expect(await broker.extend(queue, receipts, 60)).toEqual([]);
        await broker.remove(queue, receipts);
        expect(await broker.depth(queue)).toEqual({ visible: 0, notVisible: 0, delayed: 0 });
      });

      test("that have ended cannot be extended, which is told and not thrown", async () => {
        await broker.send(laneQueue("crm"), [{ body: "x" }, { body: "y" }]);
        const gone = await takeOne(laneQueue("crm"), 30);
        const kept = await takeOne(laneQueue("crm"), 30);
        await broker.remove(laneQueue("crm"), [gone.receipt]);
        expect(await broker.extend(laneQueue("crm"), [gone.receipt, kept.receipt], 5)).toEqual([
          gone.receipt,
        ]);
        await broker.remove(laneQueue("crm"), [gone.receipt]);
        await broker.release(laneQueue("crm"), [gone.receipt]);
      });

      test("that are released come again within a second or so", async () => {
        await broker.send(laneQueue("crm"), [{ body: "x" }, { body: "y" }]);
        const held = [await takeOne(laneQueue("crm"), 30), await takeOne(laneQueue("crm"), 30)];
        const from = Date.now();
        await broker.release(
          laneQueue("crm"),
          held.map(({ receipt }) => receipt),
        );
        expect(bodies(await take(laneQueue("crm"), 2))).toEqual(["x", "y"]);
        expect(Date.now() - from).toBeLessThan(2_000);
      });

      test("past the fifth go to the lane's dead queue, as they were", async () => {
        const attributes = { lane: "crm", run: "r1" };
        await broker.publish("calls", [{ body: "poison", attributes }]);
        for (let n = 1; n <= 5; n++) {
          expect((await takeOne(laneQueue("crm"), 0)).receiveCount).toBe(n);
        }
        expect(await look(laneQueue("crm"))).toEqual([]);
        expect((await take(deadQueue("crm"), 1))[0]).toMatchObject({ body: "poison", attributes });
      });
    });

    describe("waiting", () => {
      test("a long poll returns as soon as there is a message", async () => {
        const from = Date.now();
        const polled = broker.receive(laneQueue("crm"), { maxMessages: 10, waitSeconds: 20 });
        await broker.publish("calls", [{ body: "x", attributes: { lane: "crm" } }]);
        expect(bodies(await polled)).toEqual(["x"]);
        expect(Date.now() - from).toBeLessThan(2_000);
      });

      test("a long poll ends at once when it is aborted", async () => {
        const stop = new AbortController();
        const polled = broker.receive(laneQueue("crm"), {
          maxMessages: 10,
          waitSeconds: 20,
          signal: stop.signal,
        });
        await broker.depth(laneQueue("crm"));
        const from = Date.now();
        stop.abort();
        expect(await polled).toEqual([]);
        expect(
          await broker.receive(laneQueue("crm"), {
            maxMessages: 1,
            waitSeconds: 20,
            signal: stop.signal,
          }),
        ).toEqual([]);
        expect(Date.now() - from).toBeLessThan(500);
      });

      test("closing ends every long poll", async () => {
        const other = makeBroker(prefix);
        const polls = Array.from({ length: 60 }, () =>
          other.receive(laneQueue("mail"), { maxMessages: 1, waitSeconds: 20 }),
        );
        // Many open polls do not stand in the way of other requests.
        expect(await other.depth(laneQueue("mail"))).toEqual({
          visible: 0,
          notVisible: 0,
          delayed: 0,
        });
        await other.close();
        expect((await Promise.all(polls)).flat()).toEqual([]);
      });

      test("a delay holds a message back", async () => {
        const from = Date.now();
        await broker.send(laneQueue("crm"), [{ body: "late", delaySeconds: 1 }, { body: "now" }]);
        expect(bodies(await look(laneQueue("crm")))).toEqual(["now"]);
        expect(await broker.depth(laneQueue("crm"))).toEqual({
          visible: 0,
          notVisible: 1,
          delayed: 1,
        });
        expect((await takeOne(laneQueue("crm"), 30)).body).toBe("late");
        expect(Date.now() - from).toBeGreaterThan(900);
      });

      test("a delay beyond SQS's longest is refused", async () => {
        const sent = broker.send(laneQueue("crm"), [{ body: "x", delaySeconds: 901 }]);
        await expect(sent).rejects.toThrow(/901 s: .* 900/);
      });

      test("depth tells what is visible and what is being worked on", async () => {
        await broker.send(laneQueue("crm"), [{ body: "a" }, { body: "b" }, { body: "c" }]);
        await takeOne(laneQueue("crm"), 30);
        await expect
          .poll(() => broker.depth(laneQueue("crm")), { timeout: 10_000 })
          .toEqual({ visible: 2, notVisible: 1, delayed: 0 });
      });
    });
  });
}

function bodies(deliveries: readonly Delivery[]): string[] {
  return deliveries.map(({ body }) => body).sort();
}
