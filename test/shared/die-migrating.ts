import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { DatabaseSync } from "node:sqlite";

/**
 * A process that opens the coordination file named by its first argument, and dies at the moment named by the second.
 * `none`: it opens and ends.
 */
export const MOMENTS = [
  "before the copy",
  "before the copy has its name",
  "after the copy has its name",
  "after the first step",
  "before the commit",
  "after the commit",
] as const;
export type Moment = (typeof MOMENTS)[number];

const [, , path = "", moment = "none"] = process.argv;

function dieAt(when: Moment): void {
  if (when === moment) process.kill(process.pid, "SIGKILL");
}

const { renameSync } = fs;
fs.renameSync = (from, to) => {
  dieAt("before the copy has its name");
  renameSync(from, to);
  dieAt("after the copy has its name");
};
syncBuiltinESMExports();

// oxlint-disable-next-line typescript/unbound-method -- called with its own object
const { exec, prepare } = DatabaseSync.prototype;
DatabaseSync.prototype.prepare = function (sql) {
  if (sql.startsWith("VACUUM INTO")) dieAt("before the copy");
  return prepare.call(this, sql);
};
DatabaseSync.prototype.exec = function (sql) {
  const isCommit = sql.endsWith("COMMIT");
  if (isCommit) dieAt("before the commit");
  exec.call(this, sql);
  if (isCommit) dieAt("after the commit");
  else if (sql.includes("DROP TABLE")) dieAt("after the first step");
};

const { openSqliteCoordination } = await import("../../shared/coordination/sqlite-coordination.ts");
await openSqliteCoordination(path).close();
