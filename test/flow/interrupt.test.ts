import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import type { Figures } from "../../shared/model/figures.ts";
import { figuresSchema } from "../support/figures-schema.ts";
import { FlowStage, callsTo, findRun, readRun } from "../support/flow-stage.ts";
import type { MisbehavingServer } from "../support/misbehaving-server.ts";
import { expectNothingLost } from "../support/run-invariants.ts";
import type { Ended, SenpuProcess } from "../support/senpu-process.ts";

const stage = new FlowStage("interrupt");

interface Staged {
  readonly server: MisbehavingServer;
  readonly state: string;
  readonly ids: readonly string[];
  /** `senpu run`, whose id is `r`. */
  readonly process: SenpuProcess;
}

/** Starts a run of so many calls to the path, and resolves once so many of them have reached the API. */
async function runUntil(
  reached: number,
  options: { name: string; path: string; count: number; concurrency: number; words?: string[] },
): Promise<Staged> {
  const { name, path, count, concurrency, words = [] } = options;
  const server = await stage.startServer();
  const calls = callsTo(`${server.url}${path}`, name, count);
  const plan = stage.writePlan(name, calls, {
    lanes: { default: { concurrency } },
    // What a killed worker had leased comes back when this has passed.
    defaults: { timeout: "3s" },
  });
  const state = stage.newState();
  const process = stage.start(["run", plan, "--json", "--run-id", "r", "--state", state, ...words]);
  const told = await Promise.race([
    server.waitForRequests(reached).then(() => undefined),
    process.ended,
  ]);
  if (told !== undefined) throw new Error(`the run ended before it was to:\n${told.stderr}`);
  return { server, state, ids: calls.map(({ id }) => id), process };
}

function resume({ state }: Staged): Promise<Ended> {
  return stage.run(["resume", "r", "--json", "--state", state]);
}

async function expectAllMade(staged: Staged, resumed: Ended): Promise<void> {
  expect(resumed.exitCode, resumed.stderr).toBe(0);
  const figures = figuresSchema.parse(JSON.parse(resumed.stdout)) as Figures;
  const { rows } = await readRun(staged.state, "r");
  const { requests } = staged.server;
  expectNothingLost({ figures, rows, requests, ids: staged.ids });
  expect(figures.succeeded).toBe(staged.ids.length);
}

/** Ids that reached the API more often than once. */
function madeTwice({ server }: Staged): string[] {
  const seen = Map.groupBy(server.requests, ({ id }) => id);
  return [...seen].filter(([, requests]) => requests.length > 1).map(([id]) => id);
}

function now(): number {
  return performance.timeOrigin + performance.now();
}

interface Interrupted extends Staged {
  readonly ended: Ended;
  /** Requests that the API had answered, or not, when the process had ended. */
  readonly statuses: readonly (number | null)[];
}
const interruptOnce = async (): Promise<Interrupted> => {
  const options = { name: "once", path: "/slow/100", count: 200, concurrency: 8 };
  const staged = await runUntil(40, options);
  staged.process.kill("SIGINT");
  const ended = await staged.process.ended;
  return { ...staged, ended, statuses: staged.server.requests.map(({ status }) => status) };
};

describe.concurrent("a run that is interrupted", () => {
  let running: Promise<Interrupted> | undefined;
  const interrupted = (): Promise<Interrupted> => (running ??= interruptOnce());

  test("ends with 130 and figures that say so", async () => {
    const { ended } = await interrupted();
    expect(ended.exitCode).toBe(130);
    const figures = figuresSchema.parse(JSON.parse(ended.stdout));
    expect(figures.state).toBe("interrupted");
    expect(figures.pending).toBeGreaterThan(0);
  });

  test("lets the calls in flight finish, and records them", async () => {
    const { ended, statuses } = await interrupted();
    expect(statuses.every((status) => status === 200)).toBe(true);
    expect((JSON.parse(ended.stdout) as Figures).succeeded).toBe(statuses.length);
  });

  test("says on stderr how to go on", async () => {
    const { ended, state } = await interrupted();
    expect(ended.stderr).toContain(`npx senpu resume r --state ${state}\n`);
  });

  test("is resumed to its end, with every call made once", async () => {
    const staged = await interrupted();
    await expectAllMade(staged, await resume(staged));
    expect(madeTwice(staged)).toEqual([]);
  });

  test("is not waited for after a second Ctrl-C, and is resumed all the same", async () => {
    const options = { name: "twice", path: "/slow/1500", count: 30, concurrency: 10 };
    const staged = await runUntil(10, options);
    staged.process.kill("SIGINT");
    await staged.process.waitForStderr(/Ctrl-C again/);
    const askedAt = now();
    staged.process.kill("SIGINT");
    const ended = await staged.process.ended;
    expect(now() - askedAt).toBeLessThan(1_000);
    expect({ exitCode: ended.exitCode, stdout: ended.stdout }).toEqual({
      exitCode: 130,
      stdout: "",
    });
    expect(ended.stderr).toContain(`npx senpu resume r --state ${staged.state}\n`);
    const underWay = new Set(staged.server.requests.map(({ id }) => id));
    await expectAllMade(staged, await resume(staged));
    // Those that nobody waited for, and no other.
    expect(madeTwice(staged).every((id) => underWay.has(id))).toBe(true);
  });
});

describe.concurrent("an interrupted run with --run-id", () => {
  test("is gone on with by `senpu run` and the same plan", async () => {
    const staged = await runUntil(20, {
      name: "again",
      path: "/slow/50",
      count: 80,
      concurrency: 4,
    });
    staged.process.kill("SIGINT");
    expect((await staged.process.ended).exitCode).toBe(130);
    const words = ["run", join(stage.folder, "again.json"), "--json", "--run-id", "r"];
    await expectAllMade(staged, await stage.run([...words, "--state", staged.state]));
    expect(madeTwice(staged)).toEqual([]);
  });
});

describe.concurrent("a run with worker processes", () => {
  const options = { path: "/slow/200", count: 100, concurrency: 8, words: ["--workers", "2"] };

  test("is interrupted as a whole by the Ctrl-C of a terminal, which reaches its workers too", async () => {
    const staged = await runUntil(20, { ...options, name: "group" });
    for (const pid of staged.process.children()) process.kill(pid, "SIGINT");
    staged.process.kill("SIGINT");
    const ended = await staged.process.ended;
    expect(ended.exitCode, ended.stderr).toBe(130);
    expect(staged.server.requests.every(({ status }) => status === 200)).toBe(true);
    expect((JSON.parse(ended.stdout) as Figures).succeeded).toBe(staged.server.requests.length);
  });

  test("leaves no worker behind when it is killed; calls in flight finish, no stack trace is shown", async () => {
    const staged = await runUntil(20, { ...options, name: "orphans" });
    expect(staged.process.children()).toHaveLength(2);
    staged.process.kill("SIGKILL");
    // The workers hold its stderr open until they end themselves: they try to reach the broker for half a minute.
    const { stderr } = await staged.process.ended;
    expect(staged.server.requests.every(({ status }) => status === 200)).toBe(true);
    expect(stderr).not.toMatch(/^\s+at /m);
  }, 150_000);
});

describe.concurrent("a run whose process is killed half way", () => {
  test("is resumed at once, as its process is known to be dead, loses nothing, and repeats a second's calls at most", async () => {
    const options = { name: "killed", path: "/ok?delay=20", count: 2_000, concurrency: 12 };
    const staged = await runUntil(1_000, options);
    staged.process.kill("SIGKILL");
    const killedAt = now();
    expect((await staged.process.ended).signal).toBe("SIGKILL");
    const lately = new Set(
      staged.server.requests
        .filter(({ arrivedAt }) => arrivedAt > killedAt - 1_000)
        .map(({ id }) => id),
    );

    await expectAllMade(staged, await resume(staged));
    const twice = madeTwice(staged);
    expect(twice.filter((id) => !lately.has(id))).toEqual([]);
    expect(lately.size).toBeLessThan(1_000);
  }, 150_000);

  test("goes on when one of its two worker processes is killed, which is replaced", async () => {
    const staged = await runUntil(100, {
      name: "bereft",
      path: "/slow/20",
      count: 600,
      concurrency: 4,
      words: ["--workers", "2"],
    });
    const workers = staged.process.children();
    expect(workers).toHaveLength(2);
    const [victim] = workers as [number];
    const before = staged.server.requests.length;
    process.kill(victim, "SIGKILL");
    await vi.waitFor(() => expect(staged.process.children()).not.toContain(victim), {
      timeout: 10_000,
    });
    // What it sent just before may be logged just after.
    const lately = new Set(staged.server.requests.slice(before - 100).map(({ id }) => id));
    await vi.waitFor(
      () => expect(staged.process.children().filter((pid) => pid !== victim)).toHaveLength(2),
      { timeout: 10_000 },
    );
    await expectAllMade(staged, await staged.process.ended);
    expect(madeTwice(staged).filter((id) => !lately.has(id))).toEqual([]);
    expect((await findRun(staged.state, "r"))?.generation, "nobody resumed it").toBe(1);
  }, 70_000);
});
