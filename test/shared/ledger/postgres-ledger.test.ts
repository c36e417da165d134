import { describe, expect, onTestFinished, test } from "vitest";
import { Client } from "pg";
import type { Ledger } from "../../../shared/ledger/ledger.ts";
import { openPostgresLedger } from "../../../shared/ledger/postgres-ledger.ts";
import { createLedgerRoles } from "../../../shared/ledger/postgres-roles.ts";
import {
  T0,
  closed,
  collect,
  failed,
  newRun,
  numbered,
  outcomes,
  planned,
  succeeded,
} from "../../conformance/ledger-records.ts";
import { stagePostgres } from "../../support/postgres-server.ts";
import type { PostgresServer } from "../../support/postgres-server.ts";

const staged = await stagePostgres();
const server = staged as PostgresServer;

function open(url: string): Ledger {
  const ledger = openPostgresLedger({ url });
  onTestFinished(() => ledger.close());
  return ledger;
}

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

const nameOf = (url: string): string => new URL(url).pathname.slice(1);

async function countRows(url: string, table: string): Promise<number> {
  const sql = `SELECT count(*)::integer AS count FROM senpu.${table}`;
  return Number((await server.query(sql, nameOf(url)))[0]?.["count"]);
}

const bothOf = (run: string, ids: readonly string[]) => [
  planned(run, ids),
  outcomes(run, ...ids.map((id) => succeeded(id))),
];

describe.skipIf(staged === undefined)("PostgreSQL ledger", () => {
  test("two recorders that record the same runs at once, in opposite orders, count every record once", async () => {
    const url = await server.createDatabase();
    const recorders = [open(url), open(url)];
    for (const run of ["r", "s"]) await recorders[0]!.createRun(newRun(run));
    await Promise.all(
      recorders.map(async (ledger, index) => {
        for (let batch = 0; batch < 20; batch++) {
          const shared = numbered(20).map((id) => `${batch}-${id}`);
          const own = shared.map((id) => `${index}-${id}`);
          const runs = index === 0 ? ["r", "s"] : ["s", "r"];
          await ledger.record(
            runs.flatMap((run) => bothOf(run, [...shared, ...own])),
            T0,
          );
        }
      }),
    );
    const { settled } = await recorders[0]!.record([closed("s", 1200), closed("r", 1200)], T0);
    expect(settled).toEqual(["s", "r"]);
    for (const run of settled) {
      expect(await recorders[1]!.figures(run, T0)).toMatchObject({
        state: "settled",
        planned: 1200,
        succeeded: 1200,
        duplicates: 400,
      });
    }
  });

  test("what the server ends because of a deadlock is done again", async () => {
    const url = await server.createDatabase();
    const ledger = open(url);
    for (const run of ["r", "s"]) await ledger.createRun(newRun(run));
    const other = await connect(url);
    await other.query("SET deadlock_timeout = '60s'");
    await other.query("BEGIN; UPDATE senpu.runs SET name = 'held' WHERE id = 's'");
    const recording = ledger.record([...bothOf("r", ["a"]), ...bothOf("s", ["a"])], T0);
    const waits = "SELECT count(*) > 0 AS are FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    await expect.poll(async () => (await server.query(waits))[0]?.["are"]).toBe(true);
    await other.query("UPDATE senpu.runs SET name = 'held' WHERE id = 'r'");
    await other.query("COMMIT");
    await recording;
    expect(await ledger.figures("s", T0)).toMatchObject({ name: "held", succeeded: 1 });
  });

  test("a ledger takes one connection, however much is asked of it at once", async () => {
    const url = await server.createDatabase();
    const ledger = open(url);
    await ledger.createRun(newRun("r"));
    await Promise.all([
      ...numbered(10).map((id) => ledger.record(bothOf("r", [id]), T0)),
      ...numbered(10).map(() => ledger.figures("r", T0)),
    ]);
    const [row] = await server.query(
      `SELECT count(*)::integer AS count FROM pg_stat_activity WHERE datname = '${nameOf(url)}'`,
    );
    expect(row).toEqual({ count: 1 });
  });

  test("text that PostgreSQL cannot hold is recorded all the same", async () => {
    const ledger = open(await server.createDatabase());
    await ledger.createRun(newRun("r\0"));
    const id = "nul \0, half \uD800";
    const error = failed(id, "rejected", { error: "a\0b" });
    await ledger.record([planned("r\0", [id]), outcomes("r\0", error)], T0);
    expect(await collect(ledger.calls("r\0", { id }))).toMatchObject([{ error: "a\uFFFDb" }]);
    expect((await ledger.known("r\0", [id])).settled).toEqual(new Set([id]));
  });

  test("prune leaves no row, in large runs slice by slice, and finishes what a death left", async () => {
    const url = await server.createDatabase();
    const ledger = open(url);
    for (const run of ["old", "dead"]) {
      await ledger.createRun(newRun(run, { createdAt: T0 - 1 }));
      await ledger.record(bothOf(run, numbered(20_050)), T0);
    }
    await ledger.setState("old", "interrupted", "me", T0);
    // As it is when a prune dies right after it has forgotten a run.
    await server.query(
      `WITH gone AS (DELETE FROM senpu.runs WHERE id = 'dead' RETURNING key, recorded)
       INSERT INTO senpu.forgotten SELECT key, recorded FROM gone`,
      nameOf(url),
    );
    expect(await ledger.prune(T0)).toEqual(["old"]);
    const tables = "runs calls outcomes latencies failures events forgotten".split(" ");
    for (const table of tables) expect(await countRows(url, table), table).toBe(0);
  });

  test("several that open an empty database at once all find it made", async () => {
    const url = await server.createDatabase();
    const ledgers = Array.from({ length: 5 }, () => open(url));
    const found = await Promise.all(ledgers.map((ledger) => ledger.listRuns(1)));
    expect(found).toEqual([[], [], [], [], []]);
    expect(await countRows(url, "version")).toBe(1);
  });

  test("a ledger of a newer senpu is refused in one line", async () => {
    const url = await server.createDatabase();
    await open(url).listRuns(1);
    await server.query("UPDATE senpu.version SET version = 99", nameOf(url));
    await expect(open(url).listRuns(1)).rejects.toThrow(
      /^the PostgreSQL ledger was written by a newer senpu \(schema 99; this one reads up to \d+\): update senpu$/,
    );
  });

  test("the recorder's role makes and fills the ledger, the reader's only reads", async () => {
    const url = await server.createDatabase();
    const { recorder, reader } = await createLedgerRoles({ url });
    expect(await createLedgerRoles({ url })).toEqual({ recorder, reader });
    const signedInAs = (role: string): string => {
      const one = new URL(url);
      one.username = role;
      one.password = "s3same";
      return one.href;
    };
    for (const role of [recorder, reader]) {
      await server.query(`ALTER ROLE ${role} PASSWORD 's3same'`);
    }
    const recording = open(signedInAs(recorder));
    await recording.createRun(newRun("r"));
    await recording.record(bothOf("r", ["a"]), T0);
    const reading = open(signedInAs(reader));
    expect(await reading.figures("r", T0)).toMatchObject({ succeeded: 1 });
    expect(await collect(reading.calls("r", {}))).toHaveLength(1);
    const refused = reading.beat("r", T0);
    await expect(refused).rejects.toMatchObject({ code: "ledger" });
    await expect(refused).rejects.toThrow(/senpu_reader may not do this \(permission denied/);
  });
});
