import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { Chunk } from "../../../consumer/receive/chunk.ts";
import { writeCheckpoint } from "../../../consumer/receive/hold.ts";
import type { Checkpoint, Coordination } from "../../../shared/coordination/coordination.ts";
import { createMemoryCoordination } from "../../../shared/coordination/memory-coordination.ts";
import { encodeMessage } from "../../../shared/model/message.ts";
import type { CallsMessage } from "../../../shared/model/message.ts";
import { makePolicy } from "../../support/policy.ts";

function openPosts(): Chunk {
  const message: CallsMessage = {
    v: 1,
    kind: "calls",
    run: "r",
    generation: 1,
    lane: "default",
    chunk: "0",
    policy: makePolicy(),
    calls: ["a", "b"].map((id) => ({ id, method: "POST", url: `http://127.0.0.1/${id}` })),
  };
  const delivery = {
    body: encodeMessage(message),
    attributes: {},
    sentAt: 0,
    receipt: "r",
    receiveCount: 1,
  };
  return new Chunk(delivery, message, undefined, "holder");
}

function withWrites(writeCheckpoint: Coordination["writeCheckpoint"]): Coordination {
  return Object.assign(createMemoryCoordination(), { writeCheckpoint });
}

test("checkpoints of a chunk are written one at a time, and the last says what is known last", async () => {
  const chunk = openPosts();
  const written: Checkpoint[] = [];
  let inFlight = 0;
  const slow = withWrites(async (_chunk, checkpoint) => {
    expect(++inFlight).toBe(1);
    await setImmediate();
    written.push(checkpoint);
    inFlight--;
    return true;
  });
  const renewal = writeCheckpoint(slow, chunk);
  chunk.startedBelow = 2;
  const mark = writeCheckpoint(slow, chunk);
  chunk.account(0);
  const joined = writeCheckpoint(slow, chunk);
  await renewal;
  // As early as anything can ask after one has ended.
  const late = writeCheckpoint(slow, chunk);
  expect(await Promise.all([mark, joined, late])).toEqual([true, true, true]);
  expect(written.map(({ startedBelow }) => startedBelow).slice(0, 2)).toEqual([0, 2]);
  expect(written[1]).toMatchObject({ done: [0], unsafe: ["b"] });
  expect(await writeCheckpoint(slow, chunk)).toBe(true);
  const revisions = written.map(({ revision }) => revision);
  expect(revisions).toEqual(revisions.map((_, index) => index + 1));
});

test("a checkpoint that fails does not keep back the next", async () => {
  const chunk = openPosts();
  let writes = 0;
  const failing = withWrites(async () => {
    if (++writes === 1) throw new Error("out of reach");
    return true;
  });
  const first = writeCheckpoint(failing, chunk);
  const second = writeCheckpoint(failing, chunk);
  await expect(first).rejects.toThrow("out of reach");
  expect(await second).toBe(true);
});
