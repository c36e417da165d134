import { environmentVariable } from "../../shared/environment.ts";
import { SenpuError } from "../../shared/errors.ts";
import { log } from "../../shared/lambda/log.ts";
import type { LedgerAnswer } from "../../shared/ledger/function-wire.ts";
import type { Ledger } from "../../shared/ledger/ledger.ts";
import { openStoredLedger } from "../../shared/ledger/open-stored.ts";
import { stateFolder } from "../../shared/lambda/function-folder.ts";
import { answerLedger } from "./answer-ledger.ts";
import type { LedgerAccess } from "./answer-ledger.ts";

/** Opened by the first event, and kept while Lambda keeps the environment. */
let opened: Promise<Ledger> | undefined;

/**
 * The ledger for who has no way into its network: producers, `senpu status` and `senpu calls` elsewhere.
 *
 * In: one method of the ledger port and its arguments. Out: what it returns, in pages where it may be long, or the error
 * that it throws. `SENPU_LEDGER_ACCESS`: `read`, for methods that only look, or `write`. Where the ledger lies says
 * `shared/ledger/open-stored.ts`.
 */
export async function handler(event: unknown): Promise<LedgerAnswer> {
  const access = accessOf(environmentVariable("SENPU_LEDGER_ACCESS"));
  opened ??= openStoredLedger(() => stateFolder().ledgerFile);
  // A start that failed is tried again by the next event.
  opened.catch(() => (opened = undefined));
  const answer = await answerLedger(await opened, event, access);
  // Who asked reads of it, but nobody looks there for a database that is out of reach.
  if ("error" in answer && answer.error.code === "ledger") log("error", answer.error.message);
  return answer;
}

function accessOf(access: string | undefined): LedgerAccess {
  if (access === "read" || access === "write") return access;
  throw new SenpuError(
    "config",
    `SENPU_LEDGER_ACCESS is ${access === undefined ? "not set" : JSON.stringify(access)}; write read or write`,
  );
}
