import { join } from "node:path";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { answerLedger } from "../../../consumer/entries/answer-ledger.ts";
import { openFunctionLedger } from "../../../shared/ledger/function-ledger.ts";
import { MAX_PAGE_ROWS } from "../../../shared/ledger/function-wire.ts";
import type { Ledger } from "../../../shared/ledger/ledger.ts";
import { openOutsideLedger } from "../../../shared/ledger/open-outside.ts";
import { openLedger } from "../../../shared/ledger/open.ts";
import { openSqliteLedger } from "../../../shared/ledger/sqlite-ledger.ts";
import {
  T0,
  closed,
  collect,
  newRun,
  numbered,
  planned,
} from "../../conformance/ledger-records.ts";
import { refuse, useLambdaEndpoint } from "../../support/lambda-endpoint.ts";
import { temporaryFolder } from "../broker/embedded.ts";

const endpoint = useLambdaEndpoint();
let stored: Ledger;
let ledger: Ledger;

beforeEach(() => {
  stored = openSqliteLedger(join(temporaryFolder(), "ledger.db"));
  endpoint.functions.set("ledger", (event) => answerLedger(stored, event, "write"));
  endpoint.invoked.length = 0;
  ledger = open("ledger");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await stored.close();
});

function open(name: string): Ledger {
  const opened = openFunctionLedger(name);
  onTestFinished(() => opened.close());
  return opened;
}

test("calls come page by page, each once and in order", async () => {
  const ids = numbered(2 * MAX_PAGE_ROWS + 1);
  await stored.createRun(newRun("r"));
  await stored.record([planned("r", ids)], T0);
  const rows = await collect(ledger.calls("r", {}));
  expect(rows.map(({ id }) => id)).toEqual(ids);
  expect(endpoint.invoked).toEqual(["calls", "calls", "calls"]);
  const some = await collect(ledger.calls("r", { limit: MAX_PAGE_ROWS + 7 }));
  expect(some.map(({ id }) => id)).toEqual(ids.slice(0, MAX_PAGE_ROWS + 7));
});

test("many ids are asked for in several requests, and runs that are long in several answers", async () => {
  await stored.createRun(newRun("r"));
  const ids = numbered(MAX_PAGE_ROWS + 1);
  await stored.record([planned("r", ids)], T0);
  expect((await ledger.known("r", ids)).planned).toEqual(new Set(ids));
  expect(endpoint.invoked).toEqual(["known", "known"]);

  const source = JSON.stringify({ file: "x".repeat(900_000) });
  for (const id of ["s", "t"]) await stored.createRun(newRun(id, { source, createdAt: T0 + 1 }));
  expect((await ledger.listRuns(9)).map(({ id }) => id)).toEqual(["t", "s", "r"]);
  expect(endpoint.invoked.filter((method) => method === "listRuns")).toHaveLength(2);
});

test("a tolerance that is taken away is told from one that stays", async () => {
  await ledger.createRun(newRun("r", { tolerance: 0.1 }));
  expect(await ledger.restartRun("r", { generation: 1, state: "running" }, "me", T0)).toBe(2);
  expect((await ledger.findRun("r"))?.tolerance).toBe(0.1);
  await ledger.restartRun("r", { generation: 2, state: "running" }, "me", T0, null);
  expect((await ledger.findRun("r"))?.tolerance).toBeNull();
});

test("an answer that is lost is asked for again where that does no harm", async () => {
  await ledger.createRun(newRun("r"));
  endpoint.instead = (response) => response.destroy() !== undefined;
  expect((await ledger.findRun("r"))?.id).toBe("r");
  expect(endpoint.invoked).toEqual(["createRun", "findRun", "findRun"]);
});

test("a run whose creation was not answered is not created again, and whoever looks finds it", async () => {
  // Done, and not told.
  endpoint.instead = (response) => {
    void stored.createRun(newRun("r")).then(() => response.destroy());
    return true;
  };
  await expect(ledger.createRun(newRun("r"))).rejects.toMatchObject({ code: "ledger" });
  expect(endpoint.invoked).toEqual(["createRun"]);
  expect((await ledger.findRun("r"))?.id).toBe("r");
});

test("a request that Lambda sends away, because too many run, is sent again whatever it is", async () => {
  endpoint.instead = (response) => {
    refuse(response, 429, "TooManyRequestsException", "Rate Exceeded.");
    return true;
  };
  await ledger.createRun(newRun("r"));
  expect(endpoint.invoked).toEqual(["createRun", "createRun"]);
});

test("a right that is missing is named, with the function", async () => {
  endpoint.instead = (response) => {
    refuse(response, 403, "AccessDeniedException", "User: arn:aws:iam::1:user/x is not authorized");
    return true;
  };
  await expect(ledger.findRun("r")).rejects.toThrow(
    /^ledger function ledger may not be asked by these credentials: they need the IAM action lambda:InvokeFunction on it$/,
  );
});

test("a function that is not there is named, with where it was looked for", async () => {
  const missing = open("senpu-none-ledger").findRun("r");
  await expect(missing).rejects.toMatchObject({ code: "ledger" });
  await expect(missing).rejects.toThrow(
    /^ledger function senpu-none-ledger is not there, in us-east-1; is the ledger's stack deployed/,
  );
});

test("a function that fails says so in one line, without a stack", async () => {
  endpoint.functions.set("ledger", async () => {
    throw new Error("Task timed out after 60.00 seconds");
  });
  await expect(ledger.figures("r", T0)).rejects.toThrow(
    /^ledger function ledger failed \(Task timed out after 60.00 seconds\); its log says why$/,
  );
});

test("an error of the ledger behind it keeps its code and its words", async () => {
  await ledger.createRun(newRun("r"));
  await expect(ledger.createRun(newRun("r"))).rejects.toMatchObject({ code: "run" });
  await stored.close();
  await expect(ledger.findRun("r")).rejects.toMatchObject({ code: "ledger" });
});

test("a function that is no ledger of senpu is told from one that is", async () => {
  endpoint.functions.set("ledger", async () => ({ hello: "world" }));
  await expect(ledger.findRun("r")).rejects.toThrow(/answers as no ledger of senpu does/);
});

test("what is only its recorder's is refused, in words", async () => {
  await ledger.createRun(newRun("r"));
  await expect(ledger.record([planned("r", ["a"])], T0)).rejects.toMatchObject({ code: "message" });
  await expect(ledger.outbox()).rejects.toThrow("ledger by function ledger: the outbox");
  await expect(ledger.prune(T0)).rejects.toThrow(/forgets old runs by itself/);
  expect((await ledger.record([closed("r", 0)], T0)).settled).toEqual(["r"]);
});

test("SENPU_LEDGER_FUNCTION chooses it, and no file is asked for", async () => {
  vi.stubEnv("SENPU_LEDGER_FUNCTION", "ledger");
  const chosen = await openLedger(() => expect.unreachable());
  onTestFinished(() => chosen.close());
  await chosen.createRun(newRun("r"));
  expect((await stored.findRun("r"))?.id).toBe("r");
});

test("a producer, which carries no database driver, refuses a database's URL", async () => {
  vi.stubEnv("SENPU_LEDGER_URL", "postgres://me@ledger.example.com/senpu");
  await expect(openOutsideLedger(() => expect.unreachable())).rejects.toMatchObject({
    code: "config",
  });
});
