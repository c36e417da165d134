import { isComplete, isFinal, stateAt } from "../../shared/ledger/run-rules.ts";
import { readOutbox } from "../../shared/ledger/sqlite-outbox.ts";
import { formatDuration, formatQuantity } from "../../shared/terminal/format.ts";
import { hasLivingOwner } from "../run/owner.ts";
import { listStored } from "./check-counters.ts";
import { nameSome, ok, problem, warning } from "./finding.ts";
import type { Check } from "./finding.ts";
import { ledgerStore, readStore } from "./stores.ts";

const NAME = "runs";
/** The end of a run is told within seconds. */
const STUCK_MS = 60_000;

/** Runs that nobody goes on with, whose sums do not fit, or whose end was not told. */
export const checkRuns: Check = ({ folder, now }) =>
  readStore(ledgerStore(folder), (file) => {
    const runs = listStored(file);
    const ids = (those: typeof runs): string[] => those.map(({ id }) => id);
    const alive = runs.filter((run) => run.state === "running" && hasLivingOwner(run, now));
    const dead = runs.filter(
      (run) =>
        stateAt(run, now) === "interrupted" ||
        (run.state === "running" && !hasLivingOwner(run, now)),
    );
    const untrue = runs.filter((run) => run.state === "settled" && !isComplete(run));
    const late = runs.filter((run) => !isFinal(run.state) && isComplete(run));
    const outbox = readOutbox(file);
    const stuck = outbox.filter(({ at }) => at < now - STUCK_MS);
    return [
      ok(
        NAME,
        runs.length === 0
          ? "none"
          : `${formatQuantity(runs.length, "run")}, ${alive.length} of them under way`,
      ),
      ...(dead.length === 0
        ? []
        : [
            warning(
              NAME,
              `interrupted: ${nameSome(ids(dead))}`,
              `senpu resume ${dead.length === 1 ? dead[0]!.id : "RUN"} goes on with it`,
            ),
          ]),
      ...(untrue.length === 0
        ? []
        : [
            problem(
              NAME,
              `settled, though their sums say otherwise: ${nameSome(ids(untrue))}`,
              "senpu doctor --repair counts them anew; what does not fit then has lost calls of its record",
            ),
          ]),
      ...(late.length === 0
        ? []
        : [
            problem(
              NAME,
              `complete, and not settled: ${nameSome(ids(late))}`,
              "senpu doctor --repair settles them",
            ),
          ]),
      ...(stuck.length === 0
        ? []
        : [
            warning(
              "outbox",
              `${formatQuantity(stuck.length, "notice")} of a run's end not sent yet, the oldest for ${formatDuration(now - stuck[0]!.at)}`,
              "senpu recorder sends them; start one if none runs",
            ),
          ]),
    ];
  }) ?? [];
