import { expect, test } from "vitest";
import { sendBatches, settleReceipts } from "../../../shared/broker/batch-requests.ts";
import type { BatchAnswer } from "../../../shared/broker/batch-requests.ts";
import { Patience } from "../../../shared/broker/patience.ts";

const patience = new Patience({
  patienceMs: 1_000,
  firstPatienceMs: 1_000,
  endpoint: "test",
  clock: { now: () => 0, random: () => 0, sleep: async () => {} },
});

const accepted = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ Id: String(index) }));
const failed = (index: number, SenderFault: boolean) => ({
  Id: String(index),
  Code: "Because",
  SenderFault,
});

/** Answers requests one by one, and keeps what was asked. */
function answering<T>(...answers: BatchAnswer[]) {
  const asked: T[][] = [];
  const request = async (batch: readonly T[]): Promise<BatchAnswer> => {
    asked.push([...batch]);
    return answers.shift() ?? { Successful: accepted(batch.length) };
  };
  return { asked, request };
}

test("only entries that failed are sent again", async () => {
  const { asked, request } = answering<string>({
    Successful: [{ Id: "0" }, { Id: "2" }],
    Failed: [failed(1, false)],
  });
  await sendBatches(patience, "sending", [["a", "b", "c"]], request);
  expect(asked).toEqual([["a", "b", "c"], ["b"]]);
});

test("an entry of which nothing was said is sent again", async () => {
  const { asked, request } = answering<string>({ Successful: [{ Id: "0" }] }, {});
  await sendBatches(patience, "sending", [["a", "b"]], request);
  expect(asked).toEqual([["a", "b"], ["b"], ["b"]]);
});

test("an entry that is wrong in itself is not sent again, and no further batch is started", async () => {
  const { asked, request } = answering<number>({ Failed: [failed(0, true)] });
  const batches = Array.from({ length: 50 }, (_, n) => [n]);
  await expect(sendBatches(patience, "sending", batches, request)).rejects.toThrow(
    /sending was refused: Because/,
  );
  expect(asked.length).toBeLessThan(50);
});

test("of many batches each is sent once", async () => {
  const { asked, request } = answering<number>();
  const batches = Array.from({ length: 50 }, (_, n) => [n]);
  await sendBatches(patience, "sending", batches, request);
  expect(asked.flat().sort((a, b) => a - b)).toEqual(batches.flat());
});

test("receipts are settled ten at a time; stale ones are returned, others that failed repeated", async () => {
  const receipts = Array.from({ length: 12 }, (_, n) => `r${n}`);
  const { asked, request } = answering<string>({
    Successful: accepted(10).slice(2),
    Failed: [failed(0, true), failed(1, false)],
  });
  expect(await settleReceipts(patience, "extending", receipts, request)).toEqual(["r0"]);
  expect(asked.map((batch) => batch.length).sort((a, b) => a - b)).toEqual([1, 2, 10]);
  expect(asked).toContainEqual(["r1"]);
});
