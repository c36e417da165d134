import { DEFAULT_CONCURRENCY, TOTAL } from "../../shared/model/lane.ts";
import { formatCount } from "../../shared/terminal/format.ts";
import { ok, warning } from "./finding.ts";
import type { Check, Finding } from "./finding.ts";
import { coordinationStore, readStore } from "./stores.ts";

const NAME = "open files";
/** Of the broker, the databases, and Node itself. */
const OWN_FILES = 100;

/** May a worker hold as many connections as its lanes have calls in flight? */
export const checkHandles: Check = ({ folder }) => {
  const limits = readStore(coordinationStore(folder), (file) =>
    file
      .prepare("SELECT lane, min(concurrency) AS concurrency FROM claims GROUP BY lane")
      .all()
      .map((row) => ({ lane: String(row["lane"]), concurrency: Number(row["concurrency"]) })),
  );
  return [judgeHandles(openFilesLimit(), inFlight(limits ?? []))];
};

function inFlight(limits: readonly { lane: string; concurrency: number }[]): number {
  const total = limits.find(({ lane }) => lane === TOTAL)?.concurrency ?? Infinity;
  const lanes = limits.filter(({ lane }) => lane !== TOTAL);
  const sum = lanes.reduce((all, { concurrency }) => all + concurrency, 0);
  return Math.min(total, Math.max(sum, DEFAULT_CONCURRENCY));
}

/** Undefined: not limited, or not known. Node raises its own limit to what it may have, so that is what counts. */
function openFilesLimit(): number | undefined {
  const report: typeof process.report & { excludeNetwork?: boolean } = process.report;
  // Looking up the names of the machine's addresses would take seconds.
  report.excludeNetwork = true;
  const { userLimits } = report.getReport() as {
    readonly userLimits?: { readonly open_files?: { readonly soft?: number | string } };
  };
  const limit = Number(userLimits?.open_files?.soft);
  return Number.isFinite(limit) ? limit : undefined;
}

export function judgeHandles(limit: number | undefined, calls: number): Finding {
  if (limit === undefined) return ok(NAME, "not limited");
  const wanted = calls + OWN_FILES;
  const found = `${formatCount(limit)} allowed; ${formatCount(calls)} calls in flight want ${formatCount(wanted)}`;
  if (limit >= wanted) return ok(NAME, found);
  return warning(
    NAME,
    found,
    `ulimit -n ${wanted} before the worker starts, or less concurrency in the plan's lanes`,
  );
}
