import type { RunRow } from "../../shared/ledger/ledger.ts";
import { parseS3Url } from "../../shared/s3/s3-object.ts";
import type { PlanSource } from "../plan/plan.ts";
import { digestText } from "../plan/text-file.ts";
import { checkUnchanged } from "./begin-run.ts";

/**
 * Throws SenpuError `run` or `plan` unless what the calls are read from is still what the run was begun with. A plan that
 * a program has made has no file, and one from S3 is read from a copy: they cannot change.
 */
export async function checkSameSource(row: RunRow, source: PlanSource): Promise<void> {
  const { path, rows } = source;
  if (parseS3Url(path) !== undefined) return;
  const now: PlanSource = {
    ...source,
    ...(path === "" ? {} : { digest: await digestText(path) }),
    ...(rows === undefined ? {} : { rows: { ...rows, digest: await digestText(rows.path) } }),
  };
  checkUnchanged(row, { source: now });
}
