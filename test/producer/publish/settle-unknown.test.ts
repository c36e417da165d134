import { expect, test } from "vitest";
import { settleUnknown } from "../../../producer/publish/settle-unknown.ts";
import type { Broker } from "../../../shared/broker/broker.ts";
import { makePolicy } from "../../support/policy.ts";

test("whoever resumes a run sends the letter of an unknown call before it tells of it", async () => {
  const steps: string[] = [];
  const broker = {
    publish: async (topic: string) => void steps.push(topic),
    send: async (queue: string) => void steps.push(queue),
  } as unknown as Broker;
  const frame = { run: "r", generation: 2, lane: "default", policy: makePolicy() };
  await settleUnknown(broker, { id: "a", method: "POST", url: "http://127.0.0.1/" }, frame);
  expect(steps).toEqual(["lane-default-failed", "outcomes"]);
});
