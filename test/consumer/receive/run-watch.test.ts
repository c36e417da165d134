import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RunWatch } from "../../../consumer/receive/run-watch.ts";
import type { Coordination, RunControl } from "../../../shared/coordination/coordination.ts";
import { createMemoryCoordination } from "../../../shared/coordination/memory-coordination.ts";
import type { CallsMessage } from "../../../shared/model/message.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("who holds messages of a run is told within half a second that its control has changed, and only then", async () => {
  const coordination = createMemoryCoordination();
  const watch = new RunWatch(coordination, (error) => {
    throw error;
  });
  const waker = { pump: vi.fn() };
  await coordination.setControl("r", { generation: 1, state: "running" });
  await watch.refresh(["r"]);
  watch.enter("r", waker);
  watch.enter("r", waker);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(waker.pump).not.toHaveBeenCalled();

  await coordination.setControl("r", { generation: 1, state: "paused" });
  await vi.advanceTimersByTimeAsync(500);
  expect(waker.pump).toHaveBeenCalledTimes(1);

  watch.leave("r");
  await coordination.setControl("r", { generation: 2, state: "running" });
  await vi.advanceTimersByTimeAsync(500);
  expect(waker.pump).toHaveBeenCalledTimes(2);

  watch.leave("r");
  await coordination.setControl("r", { generation: 2, state: "cancelled" });
  await vi.advanceTimersByTimeAsync(500);
  expect(waker.pump).toHaveBeenCalledTimes(2);
  expect(vi.getTimerCount()).toBe(0);
});

test("an answer that was longer on its way than a newer one changes nothing", async () => {
  const answers: ((control: RunControl) => void)[] = [];
  const coordination = {
    controls: () =>
      new Promise<Map<string, RunControl>>((resolve) => {
        answers.push((control) => resolve(new Map([["r", control]])));
      }),
  } as unknown as Coordination;
  const watch = new RunWatch(coordination, () => {});
  const both = [watch.refresh(["r"]), watch.refresh(["r"])];
  answers[1]?.({ generation: 2, state: "paused" });
  answers[0]?.({ generation: 2, state: "running" });
  await Promise.all(both);
  expect(watch.allows({ run: "r", generation: 2 } as CallsMessage)).toBe(false);
});
