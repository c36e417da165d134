import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { CallRow } from "../../shared/ledger/ledger.ts";
import { figuresSchema } from "../support/figures-schema.ts";
import { FlowStage, callsTo, readRun } from "../support/flow-stage.ts";
import type { LoggedRequest, MisbehavingServer } from "../support/misbehaving-server.ts";
import type { Ended } from "../support/senpu-process.ts";

const stage = new FlowStage("misbehaviour");
const SECRET = "s3cr3t-7f1c9a52-never-written-down";
const ATTEMPTS = 3;
const LONG_RETRY_AFTER_SECONDS = 6;

interface Finished {
  readonly ended: Ended;
  readonly state: string;
  readonly server: MisbehavingServer;
  readonly row: (id: string) => CallRow;
  readonly seen: (id: string) => readonly LoggedRequest[];
}

/**
 * One run of calls to an API at its worst, each group of them in a lane of its own, so that what one meets does not
 * slow another; each test looks at one of them.
 */
async function runAll(): Promise<Finished> {
  const server = await stage.startServer();
  const { url } = server;
  server.on("later", async ({ query, attempt, response }) => {
    const busy = attempt === 1;
    if (busy) response.setHeader("retry-after", query.get("seconds") ?? "1");
    response.writeHead(busy ? 503 : 200).end();
  });
  stage.write(
    "rows.csv",
    [
      "key,target",
      `row-1,${url}/ok?id=row-1`,
      "row-2,no-url-at-all",
      `row-3,${url}/ok?id=row-3`,
      `row-1,${url}/ok?id=row-4`,
      `row-5,${url}/ok?id=row-5`,
      "",
    ].join("\n"),
  );
  const lane = (path: string, more: object = {}): object => ({ match: `${url}${path}`, ...more });
  const plan = stage.writePlan(
    "misbehaviour",
    [
      { id: "slow", url: `${url}/slow/3000?id=slow` },
      ...callsTo(`${url}/slow/1`, "fast", 200),
      { id: "hang", url: `${url}/hang?id=hang`, timeout: "300ms" },
      { id: "hang-post", method: "POST", url: `${url}/hang?id=hang-post`, timeout: "300ms" },
      { id: "reset", url: `${url}/reset?id=reset` },
      { id: "reset-put", method: "PUT", url: `${url}/reset?id=reset-put` },
      { id: "reset-post", method: "POST", url: `${url}/reset?id=reset-post` },
      { id: "partial", url: `${url}/partial?id=partial` },
      { id: "redirect", url: `${url}/redirect/3` },
      { id: "redirect-post", method: "POST", url: `${url}/redirect/2?id=redirect-post` },
      { id: "flaky-post", method: "POST", url: `${url}/flaky/x?id=flaky-post`, json: { a: 1 } },
      { id: "other-post", method: "POST", url: `${url}/ok?id=other-post`, json: { a: 1 } },
      {
        id: "secret",
        method: "PUT",
        url: `${url}/ok?id=secret`,
        headers: { authorization: "Bearer ${env:SENPU_TEST_TOKEN}" },
        json: { token: "${env:SENPU_TEST_TOKEN}" },
      },
      { id: "soon", url: `${url}/later/soon?seconds=1` },
      { id: "late", url: `${url}/later/late?seconds=${LONG_RETRY_AFTER_SECONDS}` },
    ],
    {
      lanes: {
        narrow: lane("/slow/**", { concurrency: 4 }),
        later: lane("/later/soon"),
        late: lane("/later/late"),
      },
      retry: { attempts: ATTEMPTS, backoff: { first: "10ms", max: "50ms" } },
      from: "rows.csv",
      each: { id: "{{ key }}", url: "{{ target }}" },
    },
  );
  const state = stage.newState();
  const ended = await stage.run(["run", plan, "--json", "--run-id", "r", "--state", state], {
    env: { SENPU_TEST_TOKEN: SECRET },
  });
  const { rows } = await readRun(state, "r");
  const byId = new Map(rows.map((row) => [row.id, row]));
  return {
    ended,
    state,
    server,
    row: (id) => {
      const row = byId.get(id);
      if (row === undefined) throw new Error(`the ledger has no call ${id}`);
      return row;
    },
    seen: (id) => server.requests.filter((request) => request.id === id),
  };
}

let running: Promise<Finished> | undefined;
const finish = (): Promise<Finished> => (running ??= runAll());

test("the run settles, with 1 because calls failed, and its figures add up", async () => {
  const { ended } = await finish();
  expect(ended.exitCode).toBe(1);
  const figures = figuresSchema.parse(JSON.parse(ended.stdout));
  expect(figures).toMatchObject({ state: "settled", planned: 219, failed: 9, pending: 0 });
});

describe("no answer", () => {
  test("a call that hangs is given up after its timeout, and failed when its attempts are used up", async () => {
    const { row, seen } = await finish();
    expect(row("hang")).toMatchObject({ reason: "exhausted", status: null, attempts: ATTEMPTS });
    expect(row("hang").error).toContain("300 ms");
    expect(row("hang").latencyMs).toBeLessThan(1_000);
    expect(seen("hang")).toHaveLength(ATTEMPTS);
  });

  test.each(["reset", "partial"])(
    "a GET whose connection is lost (%s) is tried again",
    async (id) => {
      const { row, seen } = await finish();
      expect(row(id)).toMatchObject({ reason: "exhausted", status: null, attempts: ATTEMPTS });
      expect(seen(id)).toHaveLength(ATTEMPTS);
    },
  );

  test("a PUT is safe to repeat, and is tried again", async () => {
    const { row, seen } = await finish();
    expect(row("reset-put")).toMatchObject({ reason: "exhausted", attempts: ATTEMPTS });
    expect(seen("reset-put")).toHaveLength(ATTEMPTS);
  });

  test.each(["reset-post", "hang-post"])(
    "a POST is not repeated, its result is unknown (%s)",
    async (id) => {
      const { row, seen } = await finish();
      expect(row(id)).toMatchObject({ state: "failed", reason: "unknown", attempts: 1 });
      expect(seen(id)).toHaveLength(1);
    },
  );
});

describe("redirects", () => {
  test("are followed for GET", async () => {
    const { row, server } = await finish();
    expect(row("redirect")).toMatchObject({ state: "succeeded", status: 200, attempts: 1 });
    const paths = server.requests.filter(({ method }) => method === "GET").map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining(["/redirect/3", "/redirect/2", "/redirect/1", "/ok"]),
    );
  });

  test("are an answer like any other for POST", async () => {
    const { row, seen } = await finish();
    expect(row("redirect-post")).toMatchObject({ reason: "rejected", status: 302, attempts: 1 });
    expect(seen("redirect-post")).toHaveLength(1);
  });
});

describe("the idempotency key", () => {
  test("stays the same over the attempts of a call", async () => {
    const { row, seen } = await finish();
    expect(row("flaky-post")).toMatchObject({ state: "succeeded", attempts: 2 });
    const [first, second] = seen("flaky-post");
    expect(first?.idempotencyKey).toMatch(/^.{16,}$/);
    expect(second?.idempotencyKey).toBe(first?.idempotencyKey);
  });

  test("is another for each call", async () => {
    const { seen } = await finish();
    expect(seen("other-post")[0]?.idempotencyKey).not.toBe(seen("flaky-post")[0]?.idempotencyKey);
  });
});

describe("invalid rows", () => {
  test("end as failed calls that name their row", async () => {
    const { row } = await finish();
    expect(row("row-2")).toMatchObject({ state: "failed", reason: "invalid", attempts: 0 });
    expect(row("row-2").error).toMatch(/rows\.csv row 2\b/);
  });

  test("keep no other row from being called", async () => {
    const { row } = await finish();
    for (const id of ["row-1", "row-3", "row-5"]) expect(row(id).state).toBe("succeeded");
  });

  test("an id that comes again is invalid, and its call is not made", async () => {
    const { row, seen } = await finish();
    expect(row("row-1#4")).toMatchObject({ state: "failed", reason: "invalid" });
    expect(seen("row-4")).toHaveLength(0);
  });
});

describe("a secret from the environment", () => {
  test("reaches the API", async () => {
    const { seen } = await finish();
    const [request] = seen("secret");
    expect(request?.headers["authorization"]).toBe(`Bearer ${SECRET}`);
    expect(request?.body).toBe(JSON.stringify({ token: SECRET }));
  });

  test("stands in no file of the state folder, and in nothing that was printed", async () => {
    const { state, ended } = await finish();
    const files = readdirSync(state, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    expect(files.length).toBeGreaterThan(3);
    const telling = files.filter((file) => readFileSync(file).includes(SECRET));
    expect(telling).toEqual([]);
    expect(ended.stdout + ended.stderr).not.toContain(SECRET);
  });
});

describe("Retry-After", () => {
  test("is waited for", async () => {
    const { row, seen } = await finish();
    expect(row("soon")).toMatchObject({ state: "succeeded", attempts: 2 });
    expect(waitBetween(seen("soon"))).toBeGreaterThanOrEqual(1_000);
    expect(waitBetween(seen("soon"))).toBeLessThan(3_000);
  });

  test("is waited for in the queue when it is long, and the call is made then", async () => {
    const { row, seen } = await finish();
    expect(row("late")).toMatchObject({ state: "succeeded", attempts: 2 });
    expect(waitBetween(seen("late"))).toBeGreaterThanOrEqual(LONG_RETRY_AFTER_SECONDS * 1_000);
    expect(waitBetween(seen("late"))).toBeLessThan((LONG_RETRY_AFTER_SECONDS + 4) * 1_000);
  });
});

test("a slow call holds up no fast one, though the lane is narrow", async () => {
  const { server, seen } = await finish();
  const slowUntil = (seen("slow")[0]?.arrivedAt ?? 0) + 3_000;
  const fast = server.requests.filter(({ id }) => id.startsWith("fast-"));
  expect(fast).toHaveLength(200);
  expect(Math.max(...fast.map(({ arrivedAt }) => arrivedAt))).toBeLessThan(slowUntil);
});

function waitBetween(requests: readonly LoggedRequest[]): number {
  const [first, second] = requests;
  return (second?.arrivedAt ?? Number.NaN) - (first?.arrivedAt ?? Number.NaN);
}
