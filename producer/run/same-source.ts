import type { RunRow } from "../../shared/ledger/ledger.ts";
import { parseS3Url } from "../../shared/s3/s3-object.ts";
import type { PlanSource } from "../plan/plan.ts";
import { isRemote } from "../plan/from-schema.ts";
import { digestBytes } from "../plan/text-file.ts";
import { checkUnchanged } from "./begin-run.ts";

/**
 * Throws SenpuError `run` or `plan` unless what the calls are read from is still what the run was begun with. A plan that
 * a program has made has no file; a plan from S3, and rows from there or from a URL, are read from a copy: they cannot
 * change.
 */
export async function checkSameSource(row: RunRow, source: PlanSource): Promise<void> {
  const { path, rows } = source;
  if (parseS3Url(path) !== undefined) return;
  const now: PlanSource = {
    ...source,
    ...(path === "" ? {} : { digest: await digestBytes(path) }),
    ...(rows === undefined || isRemote(rows.path)
      ? {}
      : { rows: { ...rows, digest: await digestBytes(rows.path) } }),
  };
  checkUnchanged(row, { source: now });
}
