import { expect, test } from "vitest";
import { CallTask, Chunk } from "../../../consumer/receive/chunk.ts";
import { Gate } from "../../../consumer/receive/gate.ts";
import { Slots } from "../../../consumer/receive/slots.ts";
import { unknownDestination } from "../../../shared/coordination/destination.ts";
import { createMemoryCoordination } from "../../../shared/coordination/memory-coordination.ts";
import { makePolicy } from "../../support/policy.ts";

const policy = makePolicy();

function makeTask(): CallTask {
  const call = { id: "c", url: "http://api/" };
  const message = {
    v: 1,
    kind: "calls",
    run: "r",
    generation: 1,
    lane: "a",
    chunk: "0",
    policy,
    calls: [call],
  } as const;
  const delivery = { receipt: "0", body: "", attributes: {}, receiveCount: 1, sentAt: 0 };
  return new CallTask(new Chunk(delivery, message, undefined), 0, call, undefined);
}

function makeWindow(): Slots {
  const options = { coordination: createMemoryCoordination(), lane: "a http://api", worker: "w" };
  return new Slots(1, { ...options, onGranted: () => {}, onFailed: () => {} });
}

test("a probe under way while its window is dropped and another opened leaves no slot taken", () => {
  const gate = new Gate({ ...unknownDestination("http://api"), state: "closed", until: 1 });
  const probe = makeTask();
  gate.open(makeWindow(), 0);
  gate.take(probe, policy, 1_000, 2);
  gate.dropWindow();
  const window = makeWindow();
  gate.open(window, 1);
  expect(window.used).toBe(1);
  // As whoever hears of an attempt's end does.
  if (!gate.give(probe)) gate.giveStranger();
  expect(window.used).toBe(0);
});
