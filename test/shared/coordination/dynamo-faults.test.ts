import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { Coordination, LeaseRequest } from "../../../shared/coordination/coordination.ts";
import { openDynamoCoordination } from "../../../shared/coordination/dynamo-coordination.ts";
import type { DynamoCoordinationOptions } from "../../../shared/coordination/dynamo-coordination.ts";
import { SenpuError } from "../../../shared/errors.ts";
import { bodyOf, startDynamoStore } from "../../support/dynamo-store.ts";
import type { DynamoStore } from "../../support/dynamo-store.ts";

const PATIENCE_MS = 400;
const tenASecond = { count: 10, perMs: 1000 };

async function start(): Promise<DynamoStore> {
  const store = await startDynamoStore();
  onTestFinished(() => store.close());
  return store;
}

async function open(
  store: DynamoStore,
  more: Partial<DynamoCoordinationOptions> = {},
): Promise<Coordination> {
  const coordination = await openDynamoCoordination({
    table: "senpu",
    endpointUrl: store.url,
    ...more,
  });
  onTestFinished(() => coordination.close());
  return coordination;
}

function operationOf(request: IncomingMessage): string {
  return String(request.headers["x-amz-target"]).split(".")[1] ?? "";
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/x-amz-json-1.0" });
  response.end(JSON.stringify(body));
}

const failure = (type: string) => ({
  __type: `com.amazonaws.dynamodb.v20120810#${type}`,
  message: "as the test says",
});

/** What it was rejected with. */
async function errorOf(promise: Promise<unknown>): Promise<SenpuError> {
  const error = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(SenpuError);
  return error as SenpuError;
}

describe("what passes is tried again", () => {
  test.each([
    ["500", 500, "InternalServerError"],
    ["throttling", 400, "ProvisionedThroughputExceededException"],
    ["a table that is busy", 400, "ThrottlingException"],
  ])("%s", async (_name, status, type) => {
    const store = await start();
    const coordination = await open(store);
    let failures = 0;
    store.intercept((_request, response, serve) => {
      if (++failures <= 3) answer(response, status, failure(type));
      else serve();
    });
    const now = Date.now();
    expect(await coordination.reserve("crm", tenASecond, 2, now)).toBeCloseTo(now, 0);
    expect(await coordination.reserve("crm", tenASecond, 2, now)).toBeCloseTo(now + 200, 0);
  });

  test("a lost answer: the write counts once", async () => {
    const store = await start();
    const coordination = await open(store);
    const now = Date.now();
    await coordination.reserve("crm", tenASecond, 2, now);
    let lost = 0;
    store.intercept((request, response, serve) => {
      if (operationOf(request) === "PutItem" && ++lost === 1) {
        response.end = () => response.destroy();
      }
      serve();
    });
    expect(await coordination.reserve("crm", tenASecond, 2, now)).toBeCloseTo(now + 200, 0);
    expect(await coordination.reserve("crm", tenASecond, 2, now)).toBeCloseTo(now + 400, 0);
    expect(lost).toBeGreaterThan(2);
  });

  test("what a batch left over is asked for", async () => {
    const store = await start();
    const coordination = await open(store);
    await coordination.setControl("r", { generation: 1, state: "paused" });
    let batches = 0;
    store.intercept((request, response, serve) => {
      if (operationOf(request) !== "BatchGetItem" || ++batches > 1) return serve();
      void bodyOf(request).then(({ RequestItems }) =>
        answer(response, 200, { Responses: {}, UnprocessedKeys: RequestItems }),
      );
    });
    expect(await coordination.control("r")).toEqual({ generation: 1, state: "paused" });
    expect(batches).toBe(2);
  });

  test("more than a batch holds", async () => {
    const coordination = await open(await start());
    const runs = Array.from({ length: 230 }, (_, index) => `r${index}`);
    for (const run of runs) {
      await coordination.setControl(run, { generation: 1, state: "running" });
      await coordination.writeCheckpoint(`r/1/${run}`, { done: [], attempts: {} }, Date.now());
    }
    expect((await coordination.controls(runs)).size).toBe(230);
    await coordination.removeCheckpoints(runs.map((run) => `r/1/${run}`));
    expect(await coordination.readCheckpoint("r/1/r229")).toBeUndefined();
  });
});

const ask = (worker: string): LeaseRequest => ({
  lane: "crm",
  worker,
  wanted: 4,
  held: 0,
  limit: 6,
  ttlMs: 60_000,
  now: Date.now(),
});

describe("where another was faster", () => {
  test("what DynamoDB tells of the winner needs no read", async () => {
    const store = await start();
    const [one, other] = [await open(store), await open(store)];
    expect(await one.lease(ask("a"))).toBe(4);
    let winner: unknown;
    store.intercept((request, _response, serve) => {
      void bodyOf(request).then(({ Item }) => (winner = Item));
      serve();
    });
    expect(await other.lease(ask("b"))).toBe(2);
    // DynamoDB itself tells, and this endpoint does not.
    const operations: string[] = [];
    store.intercept((request, response, serve) => {
      operations.push(operationOf(request));
      if (operations.length > 1) return serve();
      answer(response, 400, { ...failure("ConditionalCheckFailedException"), Item: winner });
    });
    expect(await one.lease({ ...ask("a"), wanted: 6 })).toBe(3);
    expect(operations).toEqual(["PutItem", "PutItem"]);
  });

  test("every time, it is given up after a while", async () => {
    const store = await start();
    const coordination = await open(store, { patienceMs: PATIENCE_MS });
    store.intercept((request, response, serve) => {
      if (operationOf(request) === "GetItem") return serve();
      answer(response, 400, failure("ConditionalCheckFailedException"));
    });
    const error = await errorOf(coordination.lease(ask("a")));
    expect(error.code).toBe("coordination");
    expect(error.message).toBe(
      `DynamoDB table senpu at ${store.url}: leasing slots of lane crm failed for 400 ms, last with: others have changed it each time`,
    );
  });

  test("in the same process, a burst of refusals is one read and one write", async () => {
    const store = await start();
    const coordination = await open(store);
    const operations: string[] = [];
    store.intercept((request, _response, serve) => {
      operations.push(operationOf(request));
      serve();
    });
    const now = Date.now();
    const refusals = await Promise.all(
      Array.from({ length: 64 }, (_, index) =>
        coordination.refuse({
          lane: "crm",
          origin: "https://api.example.com",
          startedAt: now - index,
          effect: "closes",
          cause: "429",
          pauseMs: 1000,
          maxPauseMs: 60_000,
          floor: 1,
          ceiling: 64,
          adapts: false,
          now,
        }),
      ),
    );
    expect(new Set(refusals.map(({ closings, window }) => `${closings} ${window}`))).toEqual(
      new Set(["1 32"]),
    );
    expect(operations).toEqual(["GetItem", "PutItem"]);
  });
});

describe("what does not pass", () => {
  test("is told in a line: what failed, where, and how", async () => {
    const store = await start();
    const coordination = await open(store, { patienceMs: PATIENCE_MS });
    store.intercept((_request, response) => answer(response, 500, failure("InternalServerError")));
    const error = await errorOf(coordination.lanes());
    expect(error.code).toBe("coordination");
    expect(error.message).toMatch(
      /^DynamoDB table senpu at http:\S+: reading lanes failed for 400 ms, last with: InternalServerError: as the test says$/,
    );
    expect(error.cause).toMatchObject({ name: "InternalServerError" });
  });

  test("is told at once when it is no use to wait", async () => {
    const store = await start();
    const coordination = await open(store);
    store.intercept((_request, response) =>
      answer(response, 400, failure("AccessDeniedException")),
    );
    expect((await errorOf(coordination.control("r"))).message).toContain(
      "reading controls of runs was refused: AccessDeniedException: as the test says",
    );
  });

  test("as when the endpoint is gone", async () => {
    const store = await start();
    const coordination = await open(store, { patienceMs: PATIENCE_MS });
    await store.close();
    const error = await errorOf(
      coordination.writeCheckpoint("r/1/k", { done: [], attempts: {} }, 0),
    );
    expect(error.message).toMatch(
      /writing checkpoint r\/1\/k failed for 400 ms, last with: .*ECONN/,
    );
    const opening = openDynamoCoordination({
      table: "senpu",
      endpointUrl: store.url,
      patienceMs: PATIENCE_MS,
    });
    expect((await errorOf(opening)).message).toMatch(/opening failed for 400 ms, .*ECONNREFUSED/);
  });

  test("nor a table that is missing at AWS, which is what the SDK's own settings may stand for", async () => {
    const store = await start();
    const settings = {
      AWS_ENDPOINT_URL_DYNAMODB: store.url,
      AWS_REGION: "eu-west-1",
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
    };
    for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value);
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    expect((await errorOf(openDynamoCoordination({ table: "none" }))).message).toBe(
      "DynamoDB table none does not exist in region eu-west-1: make it, or correct SENPU_COORDINATION_TABLE or the region",
    );
  });
});

describe("closing", () => {
  test("ends requests under way, and every connection", async () => {
    const store = await start();
    const coordination = await open(store);
    await Promise.all([coordination.lanes(), coordination.lanes(), coordination.control("r")]);
    expect(store.connections).toBeGreaterThan(1);
    const arrived = Promise.withResolvers<void>();
    store.intercept(() => arrived.resolve());
    const underWay = errorOf(coordination.lanes());
    await arrived.promise;
    await coordination.close();
    expect((await underWay).message).toContain("reading lanes: is closed");
    await vi.waitFor(() => expect(store.connections).toBe(0));
    expect((await errorOf(coordination.lanes())).message).toContain("is closed");
  });
});

test("clocks that differ by seconds agree on when a destination is tried again", async () => {
  const store = await start();
  const clocks = [-3000, 3000].map((shiftMs) => () => Date.now() + shiftMs);
  const [early, late] = await Promise.all(clocks.map((clock) => open(store, { clock })));
  // An answer bounds a clock to a second and its way; many, to the way.
  for (let n = 0; n < 60; n++) {
    await Promise.all([early!.lanes(), late!.lanes()]);
    await new Promise((resolve) => setTimeout(resolve, 37));
  }
  const now = clocks[0]!();
  await early!.refuse({
    lane: "crm",
    origin: "https://api.example.com",
    startedAt: now - 10,
    effect: "closes",
    cause: "429",
    until: now + 30_000,
    pauseMs: 1000,
    maxPauseMs: 60_000,
    floor: 1,
    ceiling: 8,
    adapts: false,
    now,
  });
  const [own] = await early!.destinations("crm");
  const [told] = await late!.destinations("crm");
  expect(Math.abs(own!.until - (now + 30_000))).toBeLessThan(400);
  expect(Math.abs(told!.until - (now + 36_000))).toBeLessThan(400);
});
