import { join } from "node:path";
import { onTestFinished } from "vitest";
import { answerLedger } from "../../consumer/entries/answer-ledger.ts";
import { openFunctionLedger } from "../../shared/ledger/function-ledger.ts";
import type { Ledger, LedgerRecord } from "../../shared/ledger/ledger.ts";
import { openSqliteLedger } from "../../shared/ledger/sqlite-ledger.ts";
import { temporaryFolder } from "../shared/broker/embedded.ts";
import { useLambdaEndpoint } from "../support/lambda-endpoint.ts";
import { ledgerConformance } from "./ledger.ts";

const endpoint = useLambdaEndpoint();
let stores = 0;

ledgerConformance("by a function, on SQLite", () => {
  const path = join(temporaryFolder(), "ledger.db");
  const name = `ledger-${++stores}`;
  return {
    open: () => {
      const stored = openSqliteLedger(path);
      endpoint.functions.set(name, (event) => answerLedger(stored, event, "write"));
      const ledger = withRecorder(openFunctionLedger(name), stored);
      onTestFinished(async () => {
        await ledger.close();
        await stored.close();
      });
      return ledger;
    },
  };
});

/** What travels by the function, and beside it what its recorder does where the ledger is. */
function withRecorder(ledger: Ledger, recorder: Ledger): Ledger {
  const isClosing = ({ kind }: LedgerRecord): boolean => kind === "closed";
  return {
    createRun: (...args) => ledger.createRun(...args),
    findRun: (...args) => ledger.findRun(...args),
    listRuns: (...args) => ledger.listRuns(...args),
    restartRun: (...args) => ledger.restartRun(...args),
    setState: (...args) => ledger.setState(...args),
    beat: (...args) => ledger.beat(...args),
    record: (records, at) => (records.every(isClosing) ? ledger : recorder).record(records, at),
    known: (...args) => ledger.known(...args),
    figures: (...args) => ledger.figures(...args),
    calls: (...args) => ledger.calls(...args),
    events: (...args) => ledger.events(...args),
    outbox: () => recorder.outbox(),
    confirmOutbox: (...args) => recorder.confirmOutbox(...args),
    noteFailure: (...args) => recorder.noteFailure(...args),
    prune: (...args) => recorder.prune(...args),
    close: () => ledger.close(),
  };
}
