import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { openDynamoCoordination } from "../../../shared/coordination/dynamo-coordination.ts";
import { intervalMs } from "../../../shared/coordination/gcra.ts";
import { bodyOf, startDynamoStore } from "../../support/dynamo-store.ts";
import type { DynamoStore } from "../../support/dynamo-store.ts";
import { BLOCK, LANE, LIMIT, ORIGIN, RATE, refusalAt } from "./dynamo-hammer.ts";
import type { HammerOrder, Hammered } from "./dynamo-hammer.ts";

const WORKER = fileURLToPath(new URL("./dynamo-worker.ts", import.meta.url));
/** Of four processes, whose clocks are that far from the truth. */
const SHIFTS_MS = [-3000, 0, 0, 3000];
const FOR_MS = 2000;
/** Beyond it, epoch milliseconds as doubles are not exact. */
const EPSILON_MS = 0.01;

/** Real processes at once; resolves with what each did. */
async function hammerTogether(
  store: DynamoStore,
  what: HammerOrder["what"],
  forMs = FOR_MS,
): Promise<Hammered[]> {
  const children = SHIFTS_MS.map(() => fork(WORKER, { execArgv: [] }));
  onTestFinished(() => children.forEach((child) => child.kill("SIGKILL")));
  return Promise.all(
    children.map(async (child, index) => {
      const order: HammerOrder = {
        endpointUrl: store.url,
        what,
        worker: `w${index}`,
        shiftMs: SHIFTS_MS[index]!,
        forMs,
      };
      const said = Promise.race([
        once(child, "message"),
        once(child, "exit").then(([code]) => Promise.reject(new Error(`it ended with ${code}`))),
      ]);
      child.send(order);
      const [done] = (await said) as [Hammered];
      if (child.exitCode === null) child.disconnect();
      return done;
    }),
  );
}

/** Documents of a kind, in the order in which the store took them. */
async function startLogged(kind: string): Promise<{ store: DynamoStore; taken: unknown[] }> {
  const store = await startDynamoStore();
  onTestFinished(() => store.close());
  const taken: unknown[] = [];
  store.intercept((request, response, serve) => {
    if (String(request.headers["x-amz-target"]).endsWith("PutItem")) {
      const body = bodyOf(request);
      // The order of the answers is that of the writes: one item's are made one after another.
      response.once("finish", () => {
        if (response.statusCode === 200) void body.then(({ Item }) => note(Item));
      });
    }
    serve();
  });
  const note = (item: unknown): void => {
    const { pk, json } = item as { pk: { S: string }; json: { S: string } };
    if (pk.S === `${kind} ${LANE}`) taken.push(JSON.parse(json.S));
  };
  return { store, taken };
}

const total = (all: readonly Hammered[], of: keyof Hammered): number =>
  all.reduce((sum, one) => sum + one[of], 0);

test("start times: none is given twice, none closer than the rate, none behind the store's time", async () => {
  const { store, taken } = await startLogged("starts");
  const before = Date.now();
  const done = await hammerTogether(store, "reserve");
  expect(done.every(({ asked }) => asked > 0)).toBe(true);
  expect(taken).toHaveLength(total(done, "asked"));
  // A reservation ends as many intervals as it gave after the one before it, or later.
  const ends = taken as number[];
  const moves = ends.slice(1).map((end, index) => end - ends[index]!);
  const blockMs = BLOCK * intervalMs(RATE);
  expect(Math.min(...moves)).toBeGreaterThanOrEqual(blockMs - EPSILON_MS);
  // Clocks that are 3 s off have not moved it by 3 s: an answer says to a second what the store's time is.
  expect(ends[0]! - blockMs).toBeGreaterThan(before - 1500);
  // From the first reservation on, which comes when the processes have started, however long that takes.
  const usedMs = Math.max(taken.length * blockMs, Date.now() - before);
  expect(ends.at(-1)).toBeLessThan(ends[0]! - blockMs + usedMs + 1500);
}, 150_000);

test("slots: all live leases together never pass the limit", async () => {
  const { store, taken } = await startLogged("leases");
  const done = await hammerTogether(store, "lease");
  expect(done.every(({ asked }) => asked > 0)).toBe(true);
  expect(taken.length).toBeGreaterThan(SHIFTS_MS.length);
  const sums = (taken as { slots: number }[][]).map((leases) =>
    leases.reduce((sum, { slots }) => sum + slots, 0),
  );
  expect(Math.max(...sums)).toBeLessThanOrEqual(LIMIT);
  expect(Math.max(...sums), "all of it is used").toBe(LIMIT);
}, 150_000);

test("a burst of refusals counts once, whatever the clocks of those who tell of it", async () => {
  const { store, taken } = await startLogged("destinations");
  const done = await hammerTogether(store, "refuse");
  expect(total(done, "asked")).toBeGreaterThan(SHIFTS_MS.length);
  expect(done.map(({ got }) => got)).toEqual([1, 1, 1, 1]);
  expect(taken).toMatchObject([{ closings: 1, window: 32, cause: "429" }]);
}, 150_000);

test("exactly one may probe", async () => {
  const { store, taken } = await startLogged("destinations");
  const coordination = await openDynamoCoordination({ table: "senpu", endpointUrl: store.url });
  onTestFinished(() => coordination.close());
  const now = Date.now();
  // Over when all of them ask, and nobody is told before that.
  await coordination.refuse({ ...refusalAt(now, now), until: now + 2500 });
  const done = await hammerTogether(store, "probe", 5000);
  expect(total(done, "got")).toBe(1);
  const [probed] = await coordination.destinations(LANE);
  expect(probed).toMatchObject({ origin: ORIGIN, state: "closed", closings: 1 });
  expect(taken).toHaveLength(2);
}, 150_000);
