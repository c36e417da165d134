import { describe, expect, test } from "vitest";
import type { CallRow } from "../../shared/ledger/ledger.ts";
import type { Figures } from "../../shared/model/figures.ts";
import type { LoggedRequest } from "../support/misbehaving-server.ts";
import { judge } from "./judge.ts";
import type { Evidence } from "./judge.ts";
import { makeScenario } from "./scenario.ts";

const SCENARIO = {
  ...makeScenario(1, "long"),
  retryUnsafe: false,
  lanes: [{ name: "l", concurrency: 2, rate: 10, proxied: false }],
  calls: (["GET", "POST"] as const).map((method) => ({
    id: method,
    lane: "l",
    method,
    path: "/ok",
    what: "ok" as const,
  })),
};

function saw(id: string, arrivedAt: number, more: Partial<LoggedRequest> = {}): LoggedRequest {
  return {
    id,
    arrivedAt,
    endedAt: arrivedAt + 50,
    status: 200,
    isWhole: true,
    method: id,
    path: "/ok",
    headers: {},
    idempotencyKey: id,
    body: "",
    ...more,
  };
}

function row(id: string): CallRow {
  return {
    run: "r",
    id,
    lane: "l",
    method: id,
    url: "http://a/ok",
    state: "succeeded",
    reason: null,
    status: 200,
    attempts: 1,
    startedAt: null,
    settledAt: null,
    latencyMs: 50,
    error: null,
    worker: "w",
  };
}

const FIGURES = {
  state: "settled",
  planned: 2,
  succeeded: 2,
  failed: 0,
  cancelled: 0,
  pending: 0,
  attempts: 2,
} as Figures;

function found(
  requests: readonly LoggedRequest[],
  more: Partial<Evidence> = {},
): readonly string[] {
  return judge({
    scenario: SCENARIO,
    figures: FIGURES,
    rows: [row("GET"), row("POST")],
    requests: new Map([["l", requests]]),
    disturbances: [],
    outages: [],
    stops: [],
    jumps: [],
    ...more,
  }).violations;
}

const RIGHT = [saw("GET", 1_000), saw("POST", 2_000)];
const KILL = { from: 1_500, until: 1_800, why: "killed" };

describe("a judge finds", () => {
  test("nothing where nothing is wrong", () => {
    expect(found(RIGHT)).toEqual([]);
  });

  test("a call that is missing, and a call of two outcomes", () => {
    const [violation] = found(RIGHT, { rows: [row("GET"), row("GET")] });
    expect(violation).toMatch(/^every planned call .*: 2, such as GET has 2 rows; POST has 0 rows/);
  });

  test("figures that say otherwise than the rows", () => {
    const figures = { ...FIGURES, attempts: 3 };
    expect(found(RIGHT, { figures })).toEqual(["the sums agree: 1, such as attempts is 3, not 2"]);
  });

  test("a success that no server saw in full", () => {
    const partly = [saw("GET", 1_000, { isWhole: false }), saw("POST", 2_000)];
    expect(found(partly)).toEqual(["a call that succeeded was seen by its server: 1, such as GET"]);
  });

  test("a call that was made again without a reason, and none where there was one", () => {
    const again = [...RIGHT, saw("GET", 4_000)];
    expect(found(again)).toEqual([
      expect.stringMatching(/^a call is made again only .*such as GET/),
    ]);
    expect(found(again, { disturbances: [KILL] })).toEqual([]);
    const late = { from: 3_500, until: 3_800, why: "killed" };
    expect(found(again, { disturbances: [late] })).toHaveLength(1);
    const outages = [{ lane: "l", from: 900, until: 1_100 }];
    expect(found(again, { disturbances: [late], outages })).toEqual([]);
  });

  test("that a call whose worker or broker was held could not be told of in that time", () => {
    const again = [...RIGHT, saw("GET", 9_000)];
    const late = { from: 3_500, until: 3_800, why: "killed" };
    const stops = [{ from: 1_040, until: 3_000 }];
    expect(found(again, { disturbances: [late] })).toHaveLength(1);
    expect(found(again, { disturbances: [late], stops })).toEqual([]);
    const later = [{ from: 2_600, until: 3_000 }];
    expect(found(again, { disturbances: [late], stops: later })).toHaveLength(1);
  });

  test("an unsafe call that was made again, whatever the reason, unless its server had refused it", () => {
    const kill = { from: 2_010, until: 2_300, why: "killed" };
    const again = [saw("GET", 1_000), saw("POST", 2_000, { status: null }), saw("POST", 4_000)];
    expect(found(again, { disturbances: [kill] })).toEqual([
      expect.stringMatching(/^no unsafe call is made again after an unknown result: 1/),
    ]);
    const refused = [saw("GET", 1_000), saw("POST", 2_000, { status: 503 }), saw("POST", 4_000)];
    expect(found(refused, { disturbances: [kill] })).toEqual([]);
  });

  test("more open at a time than the lane allows, and more starts than its rate", () => {
    const disturbances = [{ ...KILL, ids: new Set(["GET"]) }];
    const scenario = { ...SCENARIO, attempts: 99, workers: 1 };
    const burst = Array.from({ length: 13 }, (_, index) => saw("GET", 1_000 + index));
    expect(found([...burst, saw("POST", 9_000)], { scenario, disturbances })).toEqual([
      expect.stringMatching(/^lane l keeps its concurrency: 11, such as 3 of 2 at 1002/),
      expect.stringMatching(/^lane l keeps its rate: 1, such as 13 in 1000 ms/),
    ]);
  });
});
