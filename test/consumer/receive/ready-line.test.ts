import { expect, test } from "vitest";
import { Chunk } from "../../../consumer/receive/chunk.ts";
import { ReadyLine } from "../../../consumer/receive/ready-line.ts";
import { makePolicy } from "../../support/policy.ts";

function makeChunk(run: string, chunk: string, count = 2): Chunk {
  const calls = Array.from({ length: count }, (_, i) => ({
    id: `${run}${chunk}${i}`,
    url: "http://127.0.0.1/",
  }));
  const message = { v: 1, kind: "calls", run, generation: 1, lane: "a", chunk } as const;
  const delivery = { receipt: chunk, body: "", attributes: {}, receiveCount: 1, sentAt: 0 };
  return new Chunk(delivery, { ...message, policy: makePolicy(), calls }, undefined);
}

/** Takes calls as a pump does. */
function drain(line: ReadyLine): string[] {
  const ids: string[] = [];
  for (let chunk = line.head; chunk !== undefined; chunk = line.head) {
    ids.push(chunk.take()?.call.id ?? "");
    if (chunk.isTaken) line.remove(chunk);
    else line.turn();
  }
  return ids;
}

test("runs take turns, a call each; chunks of one run are served in their order", () => {
  const line = new ReadyLine();
  for (const chunk of ["0", "1", "2"]) line.push(makeChunk("a", chunk));
  line.push(makeChunk("b", "0"));
  expect(drain(line)).toEqual(["a00", "b00", "a01", "b01", "a10", "a11", "a20", "a21"]);
});

test("a run that comes late does not wait for what is there", () => {
  const line = new ReadyLine();
  line.push(makeChunk("a", "0", 200));
  line.head?.take();
  line.push(makeChunk("b", "0", 3));
  expect(
    drain(line)
      .slice(0, 6)
      .filter((id) => id.startsWith("b")),
  ).toHaveLength(3);
});

test("all tells first chunks before those behind them", () => {
  const line = new ReadyLine();
  for (const chunk of ["0", "1"]) line.push(makeChunk("a", chunk));
  line.push(makeChunk("b", "0"));
  expect([...line.all()].map(({ key }) => key)).toEqual(["a/1/0", "b/1/0", "a/1/1"]);
  expect(line.clear()).toHaveLength(3);
  expect(line.head).toBeUndefined();
});
