import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { CallRow } from "../../shared/ledger/ledger.ts";
import type { Figures } from "../../shared/model/figures.ts";
import { figuresSchema } from "../support/figures-schema.ts";
import { FlowStage, callsTo } from "../support/flow-stage.ts";
import { PASSWORD, stagePostgres } from "../support/postgres-server.ts";
import { expectNothingLost } from "../support/run-invariants.ts";

const postgres = await stagePostgres();
const stage = new FlowStage("postgres");

describe.skipIf(postgres === undefined)("with the ledger in PostgreSQL", () => {
  test("a run that dies is resumed, and status and calls tell of it: no call is lost", async () => {
    const url = (await postgres?.createDatabase()) ?? "";
    const env = { SENPU_LEDGER_URL: url };
    const server = await stage.startServer();
    const calls = callsTo(`${server.url}/slow/50`, "c", 200);
    const plan = stage.writePlan("postgres", calls, {
      lanes: { default: { concurrency: 10 } },
      defaults: { timeout: "3s" },
    });
    const state = stage.newState();
    const run = stage.start(["run", plan, "--run-id", "r", "--state", state], { env });
    await server.waitForRequests(40);
    const connections = await postgres?.query(
      `SELECT count(*)::integer AS count FROM pg_stat_activity WHERE datname = '${new URL(url).pathname.slice(1)}'`,
    );
    expect(connections?.[0]?.["count"]).toBeLessThanOrEqual(2);
    run.kill("SIGKILL");
    await run.ended;
    const resumed = await stage.run(["resume", "r", "--json", "--state", state], { env });
    expect(resumed.exitCode, resumed.stderr).toBe(0);

    const [status, listed] = await Promise.all([
      stage.run(["status", "r", "--json", "--state", state], { env }),
      stage.run(["calls", "r", "--json", "--state", state], { env }),
    ]);
    const figures = figuresSchema.parse(JSON.parse(status.stdout)) as Figures;
    expect(figures).toMatchObject({ ...JSON.parse(resumed.stdout), elapsedMs: expect.any(Number) });
    const rows = listed.stdout.trimEnd().split("\n");
    expectNothingLost({
      figures,
      rows: rows.map((row) => JSON.parse(row) as CallRow),
      requests: server.requests,
      ids: calls.map(({ id }) => id),
    });
    expect(existsSync(join(state, "ledger.db"))).toBe(false);
  }, 150_000);

  test("a database that does not answer is told in a line, with exit code 3 and without its password", async () => {
    const url = new URL((await postgres?.createDatabase()) ?? "");
    url.pathname = "/gone";
    const env = { SENPU_LEDGER_URL: url.href };
    const { exitCode, stderr } = await stage.run(["runs", "--state", stage.newState()], { env });
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(
      /PostgreSQL ledger gone at 127\.0\.0\.1:\d+: the database does not exist/,
    );
    expect(stderr).not.toContain(PASSWORD);
  });
});
