import { SenpuError } from "../../shared/errors.ts";
import type { Ledger, RunRow } from "../../shared/ledger/ledger.ts";

/** Runs that a prefix is looked for in, newest first. */
const RUNS_LOOKED_AT = 100_000;
const RUNS_NAMED = 3;

/**
 * The run that a person means: its id, how only one id begins or ends (a run's id begins with its time, and ends
 * with a dash and what tells it from others), or, with nothing given, the newest.
 * Throws SenpuError `run` that names the runs there are.
 */
export async function chooseRun(
  ledger: Pick<Ledger, "findRun" | "listRuns">,
  given?: string,
): Promise<RunRow> {
  if (given === undefined) {
    const [newest] = await ledger.listRuns(1);
    if (newest === undefined) throw noRunYet();
    return newest;
  }
  const exact = await ledger.findRun(given);
  if (exact !== undefined) return exact;
  const runs = await ledger.listRuns(RUNS_LOOKED_AT);
  if (runs.length === 0) throw noRunYet();
  const fitting =
    given === "" ? [] : runs.filter(({ id }) => id.startsWith(given) || id.endsWith(`-${given}`));
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) return only;
  if (fitting.length > 1) {
    throw new SenpuError(
      "run",
      `"${given}" fits ${fitting.length} runs; give more of it: ${nameRuns(fitting)}`,
    );
  }
  throw new SenpuError("run", `there is no run "${given}"; the newest: ${nameRuns(runs)}`);
}

export function noRunYet(state?: string): SenpuError {
  const where = state === undefined ? "" : ` in ${state}`;
  return new SenpuError("run", `there is no run${where} yet; \`npx senpu demo\` makes one`);
}

function nameRuns(runs: readonly RunRow[]): string {
  const named = runs.slice(0, RUNS_NAMED).map((run) => `${run.id} (${run.name})`);
  return named.join(", ") + (runs.length > RUNS_NAMED ? ", …" : "");
}
