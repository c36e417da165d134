import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Checkpoint } from "../../../shared/coordination/coordination.ts";
import { createMemoryCoordination } from "../../../shared/coordination/memory-coordination.ts";
import { OutOfReach, beginPatience } from "../../../shared/coordination/patience.ts";
import { SenpuError } from "../../../shared/errors.ts";

beforeEach(() => void vi.useFakeTimers({ now: 1_800_000_000_000 }));
afterEach(() => void vi.useRealTimers());

function makeStore() {
  const memory = createMemoryCoordination();
  const state = { isGone: false, requests: 0, error: new SenpuError("coordination", "gone") };
  const store = new Proxy(memory, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown => {
        state.requests++;
        return state.isGone ? Promise.reject(state.error) : (value.apply(target, args) as unknown);
      };
    },
  });
  const notices: string[] = [];
  return { memory, state, notices, patient: beginPatience(store, (text) => notices.push(text)) };
}

const done: Checkpoint = { done: [1], attempts: {} };
const marked: Checkpoint = { ...done, startedBelow: 8 };

test("while it is out of reach few requests are made, and one notice; then another when it is back", async () => {
  const { patient, state, notices } = makeStore();
  state.isGone = true;
  for (let i = 0; i < 200; i++) {
    await expect(patient.workers("api", Date.now())).rejects.toThrow(OutOfReach);
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(state.requests).toBeLessThan(12);
  expect(patient.outSince).toBe(1_800_000_000_000);
  state.isGone = false;
  await vi.advanceTimersByTimeAsync(5_000);
  expect(await patient.workers("api", Date.now())).toBe(0);
  expect(patient.outSince).toBeUndefined();
  expect(notices).toEqual([
    expect.stringContaining("out of reach (gone)"),
    "coordination answers again, after 25 s",
  ]);
});

test("lanes and the controls of known runs are as they were; an unknown run's is waited for", async () => {
  const { patient, memory, state } = makeStore();
  await memory.claimLanes("r", [{ lane: "api", concurrency: 3 }]);
  await memory.setControl("r", { generation: 2, state: "running" });
  const [lanes, controls] = [await patient.lanes(), await patient.controls(["r"])];
  state.isGone = true;
  expect(await patient.lanes()).toEqual(lanes);
  expect(await patient.controls(["r"])).toEqual(controls);
  let told = false;
  const waiting = patient.controls(["r", "new"]).then(() => (told = true));
  await vi.advanceTimersByTimeAsync(20_000);
  expect(told).toBe(false);
  state.isGone = false;
  await vi.advanceTimersByTimeAsync(5_000);
  await waiting;
});

test("marks of unsafe calls are waited for, other checkpoints are let go", async () => {
  const { patient, memory, state } = makeStore();
  state.isGone = true;
  await patient.writeCheckpoint("r/1/a", done, 0);
  await patient.removeCheckpoints(["r/1/a"]);
  const writing = patient.writeCheckpoint("r/1/b", marked, 0);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(await memory.readCheckpoint("r/1/b")).toBeUndefined();
  state.isGone = false;
  await vi.advanceTimersByTimeAsync(5_000);
  await writing;
  expect(await memory.readCheckpoint("r/1/b")).toEqual(marked);
});

test("who gives up waits no longer, and hears no more of it", async () => {
  const { patient, state, notices } = makeStore();
  state.isGone = true;
  const failed = expect(patient.readCheckpoint("r/1/a")).rejects.toThrow("gone");
  await vi.advanceTimersByTimeAsync(1_000);
  patient.giveUp();
  await failed;
  expect(notices).toHaveLength(1);
  state.isGone = false;
  await vi.advanceTimersByTimeAsync(10_000);
  await patient.workers("api", 0);
  state.isGone = true;
  await expect(patient.workers("api", 0)).rejects.toThrow("gone");
  expect(notices).toHaveLength(1);
});

test("any other error passes through, and is no outage", async () => {
  const { patient, state, notices } = makeStore();
  state.isGone = true;
  state.error = new TypeError("a mistake") as unknown as SenpuError;
  await expect(patient.workers("api", 0)).rejects.toThrow(TypeError);
  expect(notices).toEqual([]);
});
