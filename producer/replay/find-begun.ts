import type { Ledger, RunRow } from "../../shared/ledger/ledger.ts";
import { isFinal } from "../../shared/ledger/run-rules.ts";
import { sourceOf } from "../run/begin-run.ts";
import { nameRequest } from "./request.ts";
import type { ReplayRequest } from "./request.ts";

const RUNS_LOOKED_AT = 100_000;

/** The newest replay that was begun for just this and has not ended, so that the same command goes on with it. */
export async function findBegun(
  ledger: Pick<Ledger, "listRuns">,
  request: ReplayRequest,
): Promise<RunRow | undefined> {
  const name = nameRequest(request);
  const rows = await ledger.listRuns(RUNS_LOOKED_AT);
  return rows.find((row) => !isFinal(row.state) && sourceOf(row).replay?.request === name);
}
