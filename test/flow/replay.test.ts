import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Broker } from "../../shared/broker/broker.ts";
import { failedQueue } from "../../shared/broker/broker.ts";
import type { Figures } from "../../shared/model/figures.ts";
import { idempotencyKey } from "../../shared/model/idempotency-key.ts";
import { openSession } from "../../shared/session.ts";
import { replay } from "../../senpu.ts";
import { expectRateHeld } from "../support/expect-rate-held.ts";
import { copyState, startMendableServer } from "../support/failed-run.ts";
import type { MendableServer } from "../support/failed-run.ts";
import { figuresSchema } from "../support/figures-schema.ts";
import { startMisbehavingServerInThread } from "../support/misbehaving-server.ts";
import { FlowStage, callsTo, readRun } from "../support/flow-stage.ts";
import type { Ended } from "../support/senpu-process.ts";

const stage = new FlowStage("replay");

const REFUSED = 120;
const MISSING = 180;

interface Failed {
  readonly server: MendableServer;
  readonly state: string;
}

/** A run of 300 failed calls of two causes. */
async function failMany(): Promise<Failed> {
  const server = await startMendableServer(stage);
  const calls = [
    ...callsTo(`${server.url}/until/503`, "refused", REFUSED),
    ...callsTo(`${server.url}/until/404`, "missing", MISSING, { method: "POST", json: { n: 1 } }),
  ];
  const plan = stage.writePlan("first", calls, { retry: { attempts: 1 } });
  const state = stage.newState();
  const { exitCode } = await stage.run([
    "run",
    plan,
    "--run-id",
    "first",
    "--state",
    state,
    "--quiet",
  ]);
  expect(exitCode).toBe(1);
  return { server, state };
}

let failed: Promise<Failed> | undefined;
const failOnce = (): Promise<Failed> => (failed ??= failMany());

const figuresOf = ({ stdout }: Ended): Figures => figuresSchema.parse(JSON.parse(stdout));

async function withBroker<Found>(
  state: string,
  look: (broker: Broker) => Promise<Found>,
): Promise<Found> {
  const session = await openSession({ state });
  try {
    return await look(session.broker);
  } finally {
    await session.close();
  }
}

const lettersIn = (state: string): Promise<number> =>
  withBroker(state, async (broker) => {
    const { visible, notVisible } = await broker.depth(failedQueue("default"));
    return visible + notVisible;
  });

describe("300 failed calls of two causes", () => {
  test("a dry run tells counts and the first ten, and changes nothing", async () => {
    const { server, state } = await failOnce();
    const seen = server.requests.length;
    const words = ["replay", "first", "--status", "503", "--dry-run", "--json", "--state", state];
    const { exitCode, stdout } = await stage.run(words);
    expect(exitCode).toBe(0);
    const preview = JSON.parse(stdout) as { first: unknown[] };
    expect(preview).toMatchObject({
      parent: "first",
      calls: REFUSED,
      causes: [{ reason: "exhausted", status: 503, count: REFUSED }],
    });
    expect(preview.first).toHaveLength(10);
    expect(server.requests.length).toBe(seen);
    expect(await lettersIn(state)).toBe(REFUSED + MISSING);
  });

  test("--status 503 --rate 20/s makes only those, at that rate; a second command makes the rest", async () => {
    // In a thread of its own: this one may be late to see what arrives.
    const server = await startMisbehavingServerInThread();
    stage.onClose(() => server.close());
    const refused = callsTo(`${server.url}/flaky/x?fails=1`, "refused", REFUSED);
    const missing = callsTo(`${server.url}/flaky/x?fails=1&status=404`, "missing", MISSING);
    const plan = stage.writePlan("paced", [...refused, ...missing], { retry: { attempts: 1 } });
    const state = stage.newState();
    const place = ["--json", "--state", state];
    await stage.run(["run", plan, "--run-id", "first", ...place]);
    const seen = (await server.log()).requests.length;
    expect(seen).toBe(300);
    await stage.run(["replay", "first", "--status", "503", "--dry-run", ...place]);

    const words = ["replay", "first", "--status", "503", "--rate", "20/s", ...place];
    const first = await stage.run(words);
    expect(first.exitCode).toBe(0);
    expect(figuresOf(first)).toMatchObject({
      parent: "first",
      planned: REFUSED,
      succeeded: REFUSED,
    });
    const made = (await server.log()).requests.slice(seen);
    expect(made.map(({ id }) => id).toSorted()).toEqual(refused.map(({ id }) => id).toSorted());
    expectRateHeld(made, 20);
    expect(await lettersIn(state)).toBe(MISSING);

    const rest = await stage.run(["replay", "first", ...place]);
    expect(figuresOf(rest)).toMatchObject({
      parent: "first",
      planned: MISSING,
      succeeded: MISSING,
    });
    expect(await lettersIn(state)).toBe(0);
    const status = await stage.run(["status", "first", "--state", state]);
    expect(status.stdout).toContain("over all of them: 0 of 300 calls still failed");

    const again = await stage.run(["replay", "first", "--state", state]);
    expect(again.exitCode).toBe(2);
    expect(again.stderr).toMatch(
      /nothing of run first is left to replay: replayed already by 2\S+ \(none failed there\)/,
    );
  }, 150_000);

  test("what fails again has its letter in the replay, which can be replayed itself", async () => {
    const { server, state: original } = await failOnce();
    const state = copyState(stage, original);
    const words = ["--id", "missing-7", "--json", "--state", state];
    const second = await stage.run(["replay", "first", "--run-id", "second", ...words]);
    expect(second.exitCode).toBe(1);
    expect(figuresOf(second)).toMatchObject({ run: "second", planned: 1, failed: 1 });
    expect(await lettersIn(state)).toBe(300);
    server.mend();
    const third = await stage.run(["replay", "second", "--run-id", "third", ...words]);
    server.breakAgain();
    expect(figuresOf(third)).toMatchObject({ parent: "second", succeeded: 1 });
    const status = await stage.run(["status", "third", "--state", state]);
    expect(status.stdout).toContain("over all of them: 299 of 300 calls still failed");
  });

  test("--set changes each call, and --limit takes that many", async () => {
    const { server, state: original } = await failOnce();
    const state = copyState(stage, original);
    const seen = server.requests.length;
    const set = [
      "--set",
      "headers.x-token=abc",
      "--set",
      "json.n=2",
      "--set",
      `url=${server.url}/ok?id=set`,
    ];
    const words = [
      "replay",
      "first",
      "--status",
      "4xx",
      "--limit",
      "5",
      ...set,
      "--json",
      "--state",
      state,
    ];
    expect(figuresOf(await stage.run(words))).toMatchObject({ planned: 5, succeeded: 5 });
    for (const request of server.requests.slice(seen)) {
      expect(request).toMatchObject({ id: "set", body: '{"n":2}' });
      expect(request.headers["x-token"]).toBe("abc");
    }
    expect(await lettersIn(state)).toBe(295);
  });

  test("--set that breaks a call sends nothing, and names call and field", async () => {
    const { server, state } = await failOnce();
    const seen = server.requests.length;
    const words = ["replay", "first", "--set", "url=nowhere", "--state", state];
    const { exitCode, stderr } = await stage.run(words);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(
      /--set url=nowhere does not fit call "\w+-\d+": url: "nowhere" has no scheme/,
    );
    expect(server.requests.length).toBe(seen);
  });

  test("--edit makes the calls as they were edited; a deleted line leaves its letter alone", async () => {
    const { server, state: original } = await failOnce();
    const state = copyState(stage, original);
    const seen = server.requests.length;
    const env = { EDITOR: `sed -i -e 's#/until/503#/ok#' -e '1d'` };
    const words = [
      "replay",
      "first",
      "--status",
      "503",
      "--limit",
      "4",
      "--edit",
      "--json",
      "--state",
      state,
    ];
    expect(figuresOf(await stage.run(words, { env }))).toMatchObject({ planned: 3, succeeded: 3 });
    const paths = server.requests.slice(seen).map(({ path }) => path.slice(0, 4));
    expect(paths).toEqual(["/ok?", "/ok?", "/ok?"]);
    expect(await lettersIn(state)).toBe(297);
  });

  test("an edit that breaks a call is an error with line and field, and sends nothing", async () => {
    const { server, state } = await failOnce();
    const seen = server.requests.length;
    const env = { EDITOR: `sed -i '2s#"url":"http#"url":"ftp#'` };
    const words = ["replay", "first", "--limit", "3", "--edit", "--state", state];
    const { exitCode, stderr } = await stage.run(words, { env });
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(
      /calls\.jsonl:2 url: .*only http:\/\/ and https:\/\/ can be called; nothing was sent/,
    );
    expect(server.requests.length).toBe(seen);
    expect((await readRun(state, "first")).figures.failed).toBe(300);
  });

  test.each([
    [["replay", "nobody"], /there is no run "nobody"; the newest: first/],
    [
      ["replay", "first", "--status", "418"],
      /none of the 300 letters of run first passes these filters/,
    ],
    [["replay", "--lane", "crm"], /--lane crm: there is no such lane; there are default/],
    [["replay"], /what is to be made again\?/],
    [["replay", "first", "--edit"], /\$EDITOR, which is not set/],
    [["replay", "first", "--state", "pending"], /leave --state out/],
    [["replay", "first", "--run-id", "first"], /run first exists, and is no replay of just this/],
  ])("senpu %j is refused", async (words, complaint) => {
    const { state } = await failOnce();
    const { exitCode, stderr } = await stage.run([...words, "--state", state], {
      env: { EDITOR: "" },
    });
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringMatching(complaint) });
  });

  test("letters that somebody else reads now are not there to replay", async () => {
    const { state } = await failOnce();
    const ended = await withBroker(state, async (broker) => {
      const held: string[] = [];
      const queue = failedQueue("default");
      while (held.length < 300) {
        const some = await broker.receive(queue, {
          maxMessages: 10,
          waitSeconds: 1,
          visibilitySeconds: 30,
        });
        held.push(...some.map(({ receipt }) => receipt));
      }
      const ended = await stage.run(["replay", "first", "--state", state]);
      await broker.release(queue, held);
      return ended;
    });
    expect(ended.exitCode).toBe(2);
    expect(ended.stderr).toMatch(
      /300 letters are being read by somebody else; try again in a minute/,
    );
  });

  test("a program replays, and gets the figures", async () => {
    const { server, state: original } = await failOnce();
    const state = copyState(stage, original);
    server.mend();
    const figures = await replay({ run: "first", status: "5xx", limit: 3, state });
    server.breakAgain();
    expect(figures).toMatchObject({ parent: "first", planned: 3, succeeded: 3, state: "settled" });
    await expect(replay({ run: "first", status: 418, state })).rejects.toThrow(
      /passes these filters/,
    );
  });
});

test("a POST whose result nobody saw is replayed under its first key, one that was refused under a new one", async () => {
  const server = await startMendableServer(stage);
  const json = { n: 1 };
  let isLost = true;
  server.on("lost", ({ response }) => {
    if (isLost) response.socket?.resetAndDestroy();
    else response.writeHead(200).end();
  });
  const plan = stage.writePlan("keys", [
    { id: "lost", method: "POST", url: `${server.url}/lost?id=lost`, json },
    { id: "refused", method: "POST", url: `${server.url}/until/422?id=refused`, json },
  ]);
  const state = stage.newState();
  await stage.run(["run", plan, "--run-id", "one", "--state", state, "--quiet"]);
  await stage.run(["replay", "one", "--run-id", "two", "--state", state, "--quiet"]);
  isLost = false;
  server.mend();
  await stage.run(["replay", "two", "--run-id", "three", "--state", state, "--quiet"]);
  const keysOf = (id: string) =>
    server.requests.filter((request) => request.id === id).map((request) => request.idempotencyKey);
  const lost = idempotencyKey("one", "lost");
  expect(keysOf("lost")).toEqual([lost, lost, lost]);
  expect(keysOf("refused")).toEqual(
    ["one", "two", "three"].map((run) => idempotencyKey(run, "refused")),
  );
});

test("letters of several runs in a lane become one run, and none is mistaken for another", async () => {
  const server = await startMendableServer(stage);
  const state = stage.newState();
  const lanes = { slow: { match: `${server.url}/**`, concurrency: 3, rate: "200/s" } };
  for (const [run, count] of [
    ["early", 2],
    ["late", 3],
  ] as const) {
    const more = { lanes, retry: { attempts: 1 }, defaults: { headers: { "x-run": run } } };
    const plan = stage.writePlan(run, callsTo(`${server.url}/until/500`, "call", count), more);
    await stage.run(["run", plan, "--run-id", run, "--state", state, "--quiet"]);
  }
  server.mend();
  const seen = server.requests.length;
  const ended = await stage.run([
    "replay",
    "--lane",
    "slow",
    "--run-id",
    "both",
    "--json",
    "--state",
    state,
  ]);
  expect(figuresOf(ended)).toMatchObject({ parent: "late", planned: 5, succeeded: 5 });
  const { rows } = await readRun(state, "both");
  expect(rows.map(({ id }) => id).toSorted()).toEqual([
    "call-0",
    "call-0@early",
    "call-1",
    "call-1@early",
    "call-2",
  ]);
  // Each with the policy of its own run.
  const runs = server.requests.slice(seen).map(({ headers }) => String(headers["x-run"]));
  expect(runs.toSorted()).toEqual(["early", "early", "late", "late", "late"]);
  for (const run of ["early", "late"]) {
    const status = await stage.run(["status", run, "--state", state]);
    expect(status.stdout).toMatch(/replayed by both/);
    expect(status.stdout).toMatch(/over all of them: 0 of \d calls still failed/);
  }
});

test("letters alone are enough: a ledger that is lost keeps nothing from being replayed", async () => {
  const { server, state: original } = await failOnce();
  const state = copyState(stage, original);
  for (const name of ["ledger.db", "ledger.db-wal", "ledger.db-shm"]) {
    rmSync(join(state, name), { force: true });
  }
  server.mend();
  const ended = await stage.run(["replay", "first", "--status", "503", "--json", "--state", state]);
  server.breakAgain();
  expect(figuresOf(ended)).toMatchObject({ parent: "first", planned: REFUSED, succeeded: REFUSED });
  expect(await lettersIn(state)).toBe(MISSING);
});

test("a run that still runs is not replayed", async () => {
  const server = await startMendableServer(stage);
  const calls = [
    ...callsTo(`${server.url}/until/404`, "gone", 1),
    ...callsTo(`${server.url}/hang`, "hang", 1),
  ];
  const plan = stage.writePlan("running", calls);
  const state = stage.newState();
  const running = stage.start(["run", plan, "--run-id", "running", "--state", state, "--quiet"]);
  await server.waitForRequests(2);
  const { exitCode, stderr } = await stage.run(["replay", "running", "--state", state]);
  running.kill("SIGKILL");
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/run running still runs .*replay what has failed once it has ended/);
});
