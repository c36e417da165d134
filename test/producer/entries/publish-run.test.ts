import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startRecorder } from "../../../consumer/record/recorder.ts";
import { publishRun } from "../../../producer/entries/publish-run.ts";
import type { Plan } from "../../../producer/plan/plan.ts";
import { planFromObject } from "../../../producer/plan/read.ts";
import { LEDGER_QUEUE } from "../../../shared/broker/broker.ts";
import { openSession } from "../../../shared/session.ts";
import type { Session } from "../../../shared/session.ts";

const state = mkdtempSync(join(tmpdir(), "senpu-publish-run-"));
const never = new AbortController().signal;
let session: Session;

beforeAll(async () => {
  session = await openSession({ state });
});
afterAll(async () => {
  await session.close();
  rmSync(state, { recursive: true, force: true });
});

function planOf(count: number): Promise<Plan> {
  const calls = Array.from({ length: count }, (_, index) => `http://127.0.0.1/${index}`);
  return planFromObject({ name: "p", calls }, { baseDir: "." });
}

/** Time is up as soon as something has been published. */
function untilPublished(): { session: Session; signal: AbortSignal } {
  const stop = new AbortController();
  const broker = new Proxy(session.broker, {
    get(target, name) {
      if (name === "publish") stop.abort();
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
  return { session: { ...session, broker }, signal: stop.signal };
}

test("a run is published with its closing record, and once only", async () => {
  const plan = await planOf(30);
  const first = await publishRun({ session, plan, run: "once", signal: never });
  expect(first).toEqual({ run: "once", state: "published", planned: 30 });
  const messages = await session.broker.depth(LEDGER_QUEUE);
  const second = await publishRun({ session, plan, run: "once", signal: never });
  expect(second.state).toBe("published before");
  expect(await session.broker.depth(LEDGER_QUEUE)).toEqual(messages);
});

test("two firings at the same moment make one run", async () => {
  const plan = await planOf(30);
  const both = await Promise.all(
    [1, 2].map(() => publishRun({ session, plan, run: "twice", signal: never })),
  );
  expect(both.filter(({ state: what }) => what === "published")).toHaveLength(1);
});

test("another plan under the same id is refused", async () => {
  await publishRun({ session, plan: await planOf(3), run: "changed", signal: never });
  await expect(
    publishRun({ session, plan: await planOf(4), run: "changed", signal: never }),
  ).rejects.toThrow(/changed|another plan/);
});

test("when time is up the run is left interrupted and says so, and the same event again completes it", async () => {
  const plan = await planOf(3_000);
  const cut = publishRun({ ...untilPublished(), plan, run: "cut" });
  await expect(cut).rejects.toThrow(/run cut: time was up after \d+ calls.*senpu resume cut/s);
  expect((await session.ledger.findRun("cut"))?.state).toBe("interrupted");
  expect(await session.coordination.control("cut")).toMatchObject({ state: "running" });

  const recorder = await startRecorder(session);
  try {
    const rest = await publishRun({ session, plan, run: "cut", signal: never });
    expect(rest).toEqual({ run: "cut", state: "published", planned: 3_000 });
  } finally {
    await recorder.stop();
  }
  const row = await session.ledger.findRun("cut");
  expect(row).toMatchObject({ generation: 2, closedPlanned: 3_000 });
});
