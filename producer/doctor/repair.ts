import { existsSync, rmSync } from "node:fs";
import { copyFileSync } from "node:fs";
import { basename, join } from "node:path";
import { DATABASE_FILE } from "../../shared/broker/fauxqs-data.ts";
import { openSqliteCoordination } from "../../shared/coordination/sqlite-coordination.ts";
import { SqliteFile } from "../../shared/sqlite-file.ts";
import { sizeOf } from "../../shared/state/folder-sizes.ts";
import { formatBytes } from "../../shared/terminal/format.ts";
import { takeAlone } from "./alone.ts";
import { findMissingColumns, layoutOf, makeEmpty, ownLayout } from "./broker-layout.ts";
import { claimsOfEnded } from "./check-coordination.ts";
import { describeRebuilt } from "./describe-rebuilt.ts";
import type { Examination } from "./finding.ts";
import { findLeftovers } from "./leftovers.ts";
import { rebuild } from "./rebuild.ts";
import { repairLedger } from "./repair-ledger.ts";
import { coordinationStore, findDamage, lookAt, versionOf } from "./stores.ts";

/**
 * Rebuilds what can be rebuilt in a folder that no other process works in, and keeps a copy of each file before it changes
 * it. In: where. Out: what it does, a line each, as it does it; none where there is nothing to do. Done twice it does no
 * more than once; after a death in it, the next does the rest. Throws SenpuError `state` while somebody works there.
 */
export async function* repair(examination: Examination): AsyncGenerator<string> {
  const { folder } = examination;
  if (!existsSync(folder.path)) return;
  // Before the folder is taken, which leaves no trace of a dead broker.
  const { rubbish } = findLeftovers(folder);
  const stillness = takeAlone(folder);
  try {
    for (const { path, bytes } of rubbish) {
      rmSync(path, { force: true });
      yield `${basename(path)} of a dead process removed (${formatBytes(bytes)})`;
    }
    yield* repairCoordination(examination);
    yield* repairLedger(examination);
    yield* repairBroker(examination);
    yield* releaseClaims(examination);
  } finally {
    stillness.release();
  }
}

function* repairCoordination({ folder, now, thorough }: Examination): Generator<string> {
  const store = coordinationStore(folder);
  if (store === undefined || sizeOf(store.path) === 0) return;
  if (findDamage(store.path, thorough).length === 0) return;
  const rebuilt = rebuild({
    path: store.path,
    now,
    makeEmpty: (path) => new SqliteFile({ ...store, path }).close(),
  });
  yield* describeRebuilt("coordination", rebuilt);
}

async function* repairBroker({ folder, now, thorough }: Examination): AsyncGenerator<string> {
  const path = join(folder.brokerData, DATABASE_FILE);
  if (sizeOf(path) === 0) return;
  const own = await ownLayout();
  const isOther = (): boolean =>
    own !== undefined && findMissingColumns(lookAt(path, layoutOf), own).length > 0;
  if (findDamage(path, thorough).length === 0 && !isOther()) return;
  const rebuilt = await makeEmpty((empty) =>
    rebuild({ path, now, makeEmpty: (draft) => copyFileSync(empty, draft) }),
  );
  if (rebuilt !== undefined) yield* describeRebuilt("broker", rebuilt);
}

async function* releaseClaims({ folder }: Examination): AsyncGenerator<string> {
  const store = coordinationStore(folder);
  const runs = claimsOfEnded(folder);
  if (store === undefined || runs.length === 0) return;
  if ((versionOf(store.path) ?? 0) > store.schema.version) return;
  const coordination = openSqliteCoordination(store.path);
  try {
    for (const run of runs) {
      await coordination.releaseLanes(run);
      yield `run ${run}: its lanes released`;
    }
  } finally {
    await coordination.close();
  }
}
