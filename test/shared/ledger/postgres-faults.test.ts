import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Ledger } from "../../../shared/ledger/ledger.ts";
import { openPostgresLedger } from "../../../shared/ledger/postgres-ledger.ts";
import type { PostgresLedgerOptions } from "../../../shared/ledger/postgres-ledger.ts";
import {
  T0,
  closed,
  newRun,
  numbered,
  outcomes,
  planned,
  succeeded,
} from "../../conformance/ledger-records.ts";
import { selfSigned } from "../../support/postgres-certificate.ts";
import { PASSWORD, stagePostgres } from "../../support/postgres-server.ts";
import type { PostgresServer } from "../../support/postgres-server.ts";

const certificate = selfSigned("localhost");
const staged = await stagePostgres(certificate);
const server = staged as PostgresServer;

function open(url: string, more: Partial<PostgresLedgerOptions> = {}): Ledger {
  const ledger = openPostgresLedger({ url, ...more });
  onTestFinished(() => ledger.close());
  return ledger;
}

function changed(url: string, change: (url: URL) => void): string {
  const one = new URL(url);
  change(one);
  return one.href;
}

const bothOf = (ids: readonly string[]) => [
  planned("r", ids),
  outcomes("r", ...ids.map((id) => succeeded(id))),
];

/** What it says, where it fails as it should: never with the password. */
async function failureOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toMatchObject({ code: "ledger", exitCode: 3 });
  const { message } = error as Error;
  expect(message).not.toContain(PASSWORD);
  return message;
}

/** A file with these certificates, gone when the test has ended. */
function caFile(pem: string): string {
  const folder = mkdtempSync(join(tmpdir(), "senpu-ca-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "ca.pem");
  writeFileSync(path, pem);
  return path;
}

interface Cutter {
  readonly url: string;
  /** Connections that were cut. */
  readonly cuts: number;
  /** The next so many COMMITs arrive, and their answers do not: the connection is cut instead. */
  loseCommits(count: number): void;
}

/** A way to the server that goes by what is said on it. */
async function startCutter(url: string): Promise<Cutter> {
  let left = 0;
  let cuts = 0;
  const proxy = createServer((client) => {
    const upstream = connect(Number(new URL(url).port), "127.0.0.1");
    let isCommitting = false;
    client.on("data", (data) => {
      if (left > 0 && data.includes("COMMIT")) isCommitting = true;
      upstream.write(data);
    });
    upstream.on("data", (data) => {
      if (!isCommitting) {
        client.write(data);
        return;
      }
      left--;
      cuts++;
      client.destroy();
      upstream.destroy();
    });
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on("error", () => {});
      one.on("close", () => void other.destroy());
    }
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  onTestFinished(() => void proxy.close());
  const { port } = proxy.address() as AddressInfo;
  return {
    url: changed(url, (one) => (one.port = String(port))),
    get cuts() {
      return cuts;
    },
    loseCommits: (count) => void (left = count),
  };
}

describe.skipIf(staged === undefined)("PostgreSQL ledger", () => {
  test("connections that the server ends cost nothing: every record counts once, and none twice", async () => {
    const url = await server.createDatabase();
    const ledger = open(url);
    await ledger.createRun(newRun("r"));
    const kill = `SELECT count(pg_terminate_backend(pid))::integer AS killed FROM pg_stat_activity
      WHERE datname = '${new URL(url).pathname.slice(1)}'`;
    let killed = 0;
    for (let batch = 0; batch < 24; batch++) {
      const recording = ledger.record(bothOf(numbered(100).map((id) => `${batch}-${id}`)), T0);
      killed += Number((await server.query(kill))[0]?.["killed"]);
      await recording;
    }
    expect(killed).toBeGreaterThan(0);
    const { settled } = await ledger.record([closed("r", 2400)], T0);
    expect(settled).toEqual(["r"]);
    expect(await ledger.figures("r", T0)).toMatchObject({ succeeded: 2400, duplicates: 0 });
  });

  test("a server that stops and starts again is waited for", async () => {
    const url = await server.createDatabase();
    const ledger = open(url);
    await ledger.createRun(newRun("r"));
    await server.stop();
    const recording = ledger.record(bothOf(["a", "b"]), T0);
    await server.start();
    await recording;
    expect(await ledger.figures("r", T0)).toMatchObject({ succeeded: 2, duplicates: 0 });
  });

  test("a commit whose answer is lost is asked for, and done once", async () => {
    const cutter = await startCutter(await server.createDatabase());
    const ledger = open(cutter.url);
    await ledger.findRun("r");
    cutter.loseCommits(1);
    await ledger.createRun(newRun("r"));
    cutter.loseCommits(1);
    const told = await ledger.record([...bothOf(["a", "b"]), closed("r", 2)], T0);
    expect(cutter.cuts).toBe(2);
    expect(told.settled).toEqual(["r"]);
    expect(await ledger.figures("r", T0)).toMatchObject({ succeeded: 2, duplicates: 0 });
    expect(await ledger.events("r")).toHaveLength(2);
  });

  test("a server that is not there is told with its place and what to do", async () => {
    const url = await server.createDatabase();
    await server.stop();
    onTestFinished(() => server.start());
    const message = await failureOf(open(url, { patienceMs: 100 }).listRuns(1));
    expect(message).toMatch(
      /^PostgreSQL ledger test_\d+ at 127\.0\.0\.1:\d+: no answer for 100 ms, last: .*ECONNREFUSED.*; is it running, and may this machine reach it\?/,
    );
  });

  test("one that is closed while it waits for the server waits no more", async () => {
    const url = await server.createDatabase();
    await server.stop();
    onTestFinished(() => server.start());
    const ledger = openPostgresLedger({ url });
    const failure = failureOf(ledger.listRuns(1));
    await ledger.close();
    expect(await failure).toMatch(/is closed$/);
  });

  test("a wrong password, or database, is told at once", async () => {
    const url = await server.createDatabase();
    const wrong = open(url, { password: "open-barley" }).listRuns(1);
    expect(await failureOf(wrong)).toMatch(
      /postgres may not sign in \(password authentication failed .*\); check user and password/,
    );
    const missing = open(changed(url, (one) => (one.pathname = "/nowhere"))).listRuns(1);
    expect(await failureOf(missing)).toMatch(
      /nowhere at .*: the database does not exist; CREATE DATABASE nowhere/,
    );
  });

  test("TLS is spoken with whom the given certificates vouch for", async () => {
    const url = await server.createDatabase();
    const named = changed(url, (one) => (one.hostname = "localhost"));
    const ledger = open(named, { caFile: caFile(certificate.cert) });
    expect(await ledger.listRuns(1)).toEqual([]);
    const [row] = await server.query(
      "SELECT bool_and(ssl) AS ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'senpu'",
    );
    expect(row).toEqual({ ssl: true });
  });

  test.each([
    ["another's certificate", "localhost", selfSigned("localhost").cert, /self-signed/],
    ["a certificate for another name", "127.0.0.1", certificate.cert, /does not match/],
  ])("TLS with %s is refused", async (_, host, ca, why) => {
    const url = changed(await server.createDatabase(), (one) => (one.hostname = host));
    const message = await failureOf(open(url, { caFile: caFile(ca) }).listRuns(1));
    expect(message).toMatch(/TLS is not to be trusted \(.*\); SENPU_LEDGER_CA must name a file/);
    expect(message).toMatch(why);
  });
});
