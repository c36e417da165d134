import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openFunctionLedger } from "../../../shared/ledger/function-ledger.ts";
import { openSqliteLedger } from "../../../shared/ledger/sqlite-ledger.ts";
import { T0, collect, newRun, planned } from "../../conformance/ledger-records.ts";
import { temporaryFolder } from "../../shared/broker/embedded.ts";
import { useLambdaEndpoint } from "../../support/lambda-endpoint.ts";
import type { Invoked } from "../../support/lambda-endpoint.ts";
import { stagePostgres } from "../../support/postgres-server.ts";

const postgres = await stagePostgres();
const endpoint = useLambdaEndpoint();
let state: string;

beforeEach(() => {
  state = temporaryFolder();
  vi.stubEnv("SENPU_STATE", state);
});
afterEach(() => void vi.unstubAllEnvs());

/** The handler of an environment that has just started. */
async function start(entry: string): Promise<Invoked> {
  vi.resetModules();
  const module = (await import(`../../../consumer/entries/${entry}.ts`)) as { handler: Invoked };
  return module.handler;
}

async function startLedger(access: string): Promise<Invoked> {
  const handler = await start("lambda-ledger");
  return (event) => {
    vi.stubEnv("SENPU_LEDGER_ACCESS", access);
    return handler(event);
  };
}

test("the function writes and reads by the handler, and the one that reads shows the same", async () => {
  endpoint.functions.set("ledger", await startLedger("write"));
  endpoint.functions.set("query", await startLedger("read"));
  const [ledger, query] = [openFunctionLedger("ledger"), openFunctionLedger("query")];
  await ledger.createRun(newRun("r"));
  expect(await query.figures("r", T0)).toMatchObject({ state: "running", planned: 0 });
  await expect(query.beat("r", T0)).rejects.toThrow("this function only reads it");
  await Promise.all([ledger.close(), query.close()]);
});

test("an access that nobody has chosen is told", async () => {
  const handler = await startLedger("");
  await expect(handler({ method: "findRun", args: ["r"] })).rejects.toThrow(
    'SENPU_LEDGER_ACCESS is ""; write read or write',
  );
});

test("retention forgets what is older than its days, and nothing without them", async () => {
  const ledger = openSqliteLedger(join(state, "ledger.db"));
  const now = Date.now();
  const day = 86_400_000;
  for (const [id, age] of [
    ["old", 31],
    ["young", 29],
  ] as const) {
    const createdAt = now - age * day;
    await ledger.createRun(newRun(id, { createdAt }));
    await ledger.setState(id, "interrupted", "me", createdAt);
  }
  const handler = await start("lambda-ledger-retention");
  for (const days of [undefined, "", "0", "-1", "1e9", "soon"]) {
    vi.stubEnv("SENPU_KEEP_RUNS_DAYS", days);
    await expect(handler({})).rejects.toMatchObject({ code: "config" });
  }
  vi.stubEnv("SENPU_KEEP_RUNS_DAYS", "30");
  expect(await handler({ task: "anything" })).toEqual({ forgotten: 1 });
  expect((await ledger.listRuns(9)).map(({ id }) => id)).toEqual(["young"]);
  await ledger.close();
});

describe.skipIf(postgres === undefined)("in PostgreSQL", () => {
  test("roles are made by the administrator, twice without harm; then one function writes and another only reads", async () => {
    const url = (await postgres?.createDatabase()) ?? "";
    vi.stubEnv("SENPU_LEDGER_URL", url);
    const makeRoles = await start("lambda-ledger-roles");
    const roles = { recorder: "senpu_recorder", reader: "senpu_reader" };
    expect([await makeRoles(null), await makeRoles({})]).toEqual([roles, roles]);
    const password = "s3same";
    const signedInAs = async (role: string, access: string): Promise<Invoked> => {
      await postgres?.query(`ALTER ROLE ${role} PASSWORD '${password}'`);
      const handler = await startLedger(access);
      const own = new URL(url);
      own.username = role;
      own.password = password;
      return (event) => {
        vi.stubEnv("SENPU_LEDGER_URL", own.href);
        return handler(event);
      };
    };
    endpoint.functions.set("pg", await signedInAs(roles.recorder, "write"));
    // As it would be if somebody let it write by mistake: the database's role still does not.
    endpoint.functions.set("pg-query", await signedInAs(roles.reader, "write"));
    const [ledger, query] = [openFunctionLedger("pg"), openFunctionLedger("pg-query")];
    await ledger.createRun(newRun("r"));
    expect(await query.findRun("r")).toMatchObject({ id: "r", state: "running" });
    expect(await collect(query.calls("r", {}))).toEqual([]);
    await expect(query.beat("r", T0)).rejects.toThrow(/senpu_reader may not do this/);
    await expect(query.record([planned("r", ["a"])], T0)).rejects.toMatchObject({
      code: "message",
    });
    await Promise.all([ledger.close(), query.close()]);
  });
});
