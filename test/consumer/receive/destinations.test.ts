import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Attempt } from "../../../consumer/execute/attempt.ts";
import type { AttemptEnd } from "../../../consumer/execute/judge.ts";
import { CallTask, Chunk } from "../../../consumer/receive/chunk.ts";
import { Destinations } from "../../../consumer/receive/destinations.ts";
import type { Gate } from "../../../consumer/receive/gate.ts";
import type { Coordination } from "../../../shared/coordination/coordination.ts";
import { createMemoryCoordination } from "../../../shared/coordination/memory-coordination.ts";
import { DEFAULT_BREAKER } from "../../../shared/model/policy.ts";
import type { Policy } from "../../../shared/model/policy.ts";
import { makePolicy } from "../../support/policy.ts";

const ORIGIN = "http://api";
const START = 1_800_000_000_000;

beforeEach(() => void vi.useFakeTimers({ now: START }));
afterEach(() => void vi.useRealTimers());

const policy = makePolicy({
  deadlineAt: START + 3_600_000,
  breaker: { ...DEFAULT_BREAKER, minimum: 10, pauseMs: 1_000, maxPauseMs: 4_000, giveUpMs: 20_000 },
});

function makeTask(changes: Partial<Policy> = {}): CallTask {
  const call = { id: "c", url: `${ORIGIN}/` };
  const message = {
    v: 1,
    kind: "calls",
    run: "r",
    generation: 1,
    lane: "a",
    chunk: "0",
    policy: { ...policy, ...changes },
    calls: [call],
  } as const;
  const delivery = { receipt: "0", body: "", attributes: {}, receiveCount: 1, sentAt: 0 };
  return new CallTask(new Chunk(delivery, message, undefined), 0, call, undefined);
}

interface Bench {
  readonly destinations: Destinations;
  readonly changes: () => number;
  /** The attempt of a call that started so long ago has ended. */
  end(end: AttemptEnd, more?: { agoMs?: number; retryAfter?: string; task?: CallTask }): void;
  readonly gate: () => Gate;
}

function setUp(coordination: Coordination, worker: string, min?: number): Bench {
  const onChange = vi.fn<() => void>();
  const limit = { lane: "a", concurrency: 16, ...(min !== undefined && { minConcurrency: min }) };
  const destinations = new Destinations({
    coordination,
    worker,
    limit,
    inFlight: () => 0,
    onChange,
    onFailed: (error) => {
      throw error;
    },
  });
  return {
    destinations,
    changes: () => onChange.mock.calls.length,
    end: (end, { agoMs = 5, retryAfter, task = makeTask() } = {}) => {
      const attempt = new Attempt(ORIGIN, performance.now() - agoMs, 0, () => {});
      destinations.over(task, Object.assign(attempt, { end, retryAfter, latencyMs: agoMs }));
    },
    gate: () => destinations.gateOf(ORIGIN)!,
  };
}

const status = (code: number): AttemptEnd => ({ kind: "answer", status: code });
const REFUSED: AttemptEnd = { kind: "refused", sent: false };

test("good answers leave it quiet; a refusal closes the destination at once, for other workers within half a second", async () => {
  const coordination = createMemoryCoordination();
  const [one, other] = [setUp(coordination, "one"), setUp(coordination, "other")];
  await other.destinations.wake();
  one.end(status(200));
  expect(one.destinations.isQuiet).toBe(true);
  one.end(status(429), { retryAfter: "3" });
  expect(one.gate().closedUntil(policy, Date.now())).toBe(START + 3_000);
  expect(one.gate().lets(policy, Date.now())).toBe(false);
  await vi.advanceTimersByTimeAsync(500);
  expect(other.gate().closedUntil(policy, Date.now())).toBe(START + 3_000);
  other.destinations.rest();
});

test("after its time one worker of two probes; its good answer opens it for both, with half the window", async () => {
  const coordination = createMemoryCoordination();
  const both = [setUp(coordination, "one"), setUp(coordination, "other")];
  for (const { destinations } of both) await destinations.wake();
  both[0]!.end(status(429), { retryAfter: "1" });
  await vi.advanceTimersByTimeAsync(1_001);
  for (const { destinations, gate } of both) {
    destinations.await(gate(), makeTask().chunk, Date.now());
  }
  await vi.advanceTimersByTimeAsync(1);
  const prober = both.filter(({ gate }) => gate().lets(policy, Date.now()));
  expect(prober).toHaveLength(1);
  const task = makeTask();
  prober[0]!.gate().take(task, policy, 1_000, Date.now());
  expect(prober[0]!.gate().lets(policy, Date.now()), "one call only").toBe(false);
  await vi.advanceTimersByTimeAsync(20);
  prober[0]!.end(status(200), { agoMs: 20, task });
  await vi.advanceTimersByTimeAsync(500);
  for (const { gate } of both) expect(gate().known).toMatchObject({ state: "open", window: 8 });
  for (const { destinations } of both) destinations.rest();
});

test("a burst of refusals halves the window once", () => {
  const { end, gate } = setUp(createMemoryCoordination(), "one");
  for (let i = 0; i < 16; i++) end(status(429), { agoMs: 50 - i, retryAfter: "2" });
  expect(gate().known).toMatchObject({ closings: 1, window: 8 });
});

test("a server that is down trips the breaker, whose closing is a breaker's", () => {
  const { end, gate, destinations } = setUp(createMemoryCoordination(), "one");
  for (let i = 0; i < 9; i++) end(REFUSED);
  expect(gate().lets(policy, Date.now())).toBe(true);
  end(REFUSED);
  expect(gate().isBroken).toBe(true);
  expect(gate().known.cause).toBe("10 of 10 attempts failed: no answer");
  expect(gate().known.window).toBeUndefined();
  expect(destinations.isQuiet).toBe(false);
});

test("a plan without a breaker takes no notice of another's", () => {
  const { end, gate } = setUp(createMemoryCoordination(), "one");
  for (let i = 0; i < 10; i++) end(REFUSED);
  const now = Date.now();
  expect(gate().lets(policy, now)).toBe(false);
  expect(gate().lets({ ...policy, breaker: null }, now)).toBe(true);
});

test("calls that fail once more do not open the breaker, though all do; first failures do", () => {
  const one = setUp(createMemoryCoordination(), "one");
  for (let i = 0; i < 50; i++) {
    one.end(status(500), { task: Object.assign(makeTask(), { attempts: 2 }) });
  }
  expect(one.gate().known.state).toBe("open");
  for (let i = 0; i < 10; i++) {
    one.end(status(500), { task: Object.assign(makeTask(), { attempts: 1 }) });
  }
  expect(one.gate().known.state).toBe("closed");
});

test("a destination that had only refused is open again when its probe is worked on, though it fails", async () => {
  const one = setUp(createMemoryCoordination(), "one");
  await one.destinations.wake();
  one.end(status(429), { retryAfter: "1" });
  await vi.advanceTimersByTimeAsync(1_001);
  one.destinations.await(one.gate(), makeTask().chunk, Date.now());
  await vi.advanceTimersByTimeAsync(1);
  const task = makeTask();
  one.gate().take(task, policy, 1_000, Date.now());
  await vi.advanceTimersByTimeAsync(20);
  one.end(status(500), { agoMs: 20, task });
  expect(one.gate().known.state).toBe("open");
  one.destinations.rest();
});

test("a probe that fails closes it for longer; after giveUp calls use up their attempts, until one is answered", async () => {
  const bench = setUp(createMemoryCoordination(), "one");
  const { end, gate, destinations } = bench;
  for (let i = 0; i < 10; i++) end(REFUSED);
  await vi.advanceTimersByTimeAsync(1_001);
  destinations.await(gate(), makeTask().chunk, Date.now());
  await vi.advanceTimersByTimeAsync(1);
  const task = makeTask();
  gate().take(task, policy, 1_000, Date.now());
  await vi.advanceTimersByTimeAsync(5);
  end(REFUSED, { agoMs: 5, task });
  expect(gate().known).toMatchObject({ closings: 2, until: Date.now() + 2_000 });
  expect(gate().known.cause).toContain("the probe failed");
  vi.setSystemTime(START + 21_000);
  expect(gate().lets(policy, Date.now())).toBe(true);
  end(status(200), { agoMs: 1 });
  expect(gate().known).toMatchObject({ state: "open", closings: 0 });
});

test("when all is well again it becomes quiet", async () => {
  const { end, destinations } = setUp(createMemoryCoordination(), "one");
  await destinations.wake();
  end(status(500));
  expect(destinations.isQuiet).toBe(false);
  await vi.advanceTimersByTimeAsync(policy.breaker!.windowMs + 1_000);
  expect(destinations.isQuiet).toBe(true);
  destinations.rest();
});

test("in a lane that adapts every destination has a window from the start, which grows while it binds", async () => {
  const coordination = createMemoryCoordination();
  const { destinations, gate, end } = setUp(coordination, "one", 2);
  await destinations.wake();
  destinations.setDemand(50);
  destinations.await(gate(), makeTask().chunk, Date.now());
  await vi.advanceTimersByTimeAsync(50);
  const tasks = [makeTask(), makeTask()];
  for (const task of tasks) gate().take(task, policy, 1_000, Date.now());
  expect(gate().lets(policy, Date.now())).toBe(false);
  for (const task of tasks) end(status(200), { task });
  await vi.advanceTimersByTimeAsync(300);
  expect(gate().known.window).toBe(4);
  destinations.rest();
});

test("calls in flight when a window begins count against it", async () => {
  const coordination = createMemoryCoordination();
  const destinations = new Destinations({
    coordination,
    worker: "one",
    limit: { lane: "a", concurrency: 16 },
    inFlight: () => 15,
    onChange: () => {},
    onFailed: () => {},
  });
  const busy = Object.assign(new Attempt(ORIGIN, performance.now(), 0, () => {}), {
    end: status(503),
  });
  destinations.over(makeTask(), busy);
  const [gate] = destinations.gates;
  await vi.advanceTimersByTimeAsync(100);
  expect(gate?.window?.used).toBe(15);
  expect(gate?.lets(policy, Date.now())).toBe(false);
});
