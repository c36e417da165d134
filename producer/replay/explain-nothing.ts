import { SenpuError } from "../../shared/errors.ts";
import type { Ledger, RunRow } from "../../shared/ledger/ledger.ts";
import { formatQuantity } from "../../shared/terminal/format.ts";
import type { Gathered } from "./gather.ts";
import { readLineage } from "./lineage.ts";
import type { ReplayRequest } from "./request.ts";
import type { Selection } from "./select.ts";

/** Why there is nothing to replay, as an error that says what would be right. */
export async function explainNothing(
  ledger: Pick<Ledger, "listRuns">,
  request: ReplayRequest,
  row: RunRow | undefined,
  gathered: Gathered,
  selection: Selection,
): Promise<SenpuError> {
  const what = request.of === undefined ? `lane ${request.filter.lane}` : `run ${request.of}`;
  const reasons: string[] = [];
  for (const [replay, calls] of Object.entries(selection.inReplay)) {
    reasons.push(
      `${formatQuantity(calls, "letter")} of it belong to replay ${replay}, which has not ended; senpu resume ${replay} goes on with it`,
    );
  }
  for (const run of Object.keys(selection.running)) {
    reasons.push(`run ${run} still runs; replay what has failed once it has ended`);
  }
  if (selection.succeeded > 0) {
    reasons.push(
      `${formatQuantity(selection.succeeded, "call has", "calls have")} succeeded since`,
    );
  }
  for (const [replay, calls] of Object.entries(selection.replayed)) {
    reasons.push(
      `${formatQuantity(calls, "call was", "calls were")} replayed already by ${replay}; senpu replay ${replay} makes what failed there`,
    );
  }
  if (gathered.elsewhere > 0) {
    reasons.push(
      `${formatQuantity(gathered.elsewhere, "letter is", "letters are")} being read by somebody else; try again in a minute`,
    );
  }
  if (reasons.length === 0 && gathered.filtered > 0) {
    const letters = formatQuantity(gathered.filtered, "letter");
    const replays = row && (await nameReplays(ledger, row));
    return new SenpuError(
      "run",
      `none of the ${letters} of ${what} passes these filters; senpu dlq shows what there is` +
        (replays === undefined ? "" : `\nWhat is not there was replayed by ${replays}`),
    );
  }
  if (gathered.dead > 0) {
    reasons.push(
      `${formatQuantity(gathered.dead, "message lies", "messages lie")} in a dead queue; senpu recorder turns them into letters`,
    );
  }
  if (reasons.length === 0) reasons.push(await whyNoLetters(ledger, row));
  return new SenpuError("run", `nothing of ${what} is left to replay: ${reasons.join("; ")}`);
}

async function whyNoLetters(
  ledger: Pick<Ledger, "listRuns">,
  row: RunRow | undefined,
): Promise<string> {
  if (row === undefined) return "there are no letters";
  if (row.failed === 0) return "none of its calls failed";
  const replays = await nameReplays(ledger, row);
  if (replays !== undefined) return `replayed already by ${replays}`;
  return "its failed calls left no letter, as rows that are no call do not; mend the plan, and run it";
}

async function nameReplays(
  ledger: Pick<Ledger, "listRuns">,
  row: RunRow,
): Promise<string | undefined> {
  const replays = (await readLineage(ledger)).replaysOf(row.id);
  if (replays.length === 0) return undefined;
  const named = replays.map(({ id, failed }) => {
    const left = failed === 0 ? "none failed there" : `${failed} failed there: senpu replay ${id}`;
    return `${id} (${left})`;
  });
  return named.join(", ");
}
