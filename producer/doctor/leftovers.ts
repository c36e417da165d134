import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { HEARTBEAT_DEAD_MS } from "../../shared/ledger/ledger.ts";
import { readBrokerRecord } from "../../shared/state/broker-record.ts";
import { sizeOf } from "../../shared/state/folder-sizes.ts";
import type { StateFolder } from "../../shared/state/state-folder.ts";
import { StateLock } from "../../shared/state/state-lock.ts";
import { possibleOwners } from "../prune/spool-files.ts";
import { isAlive } from "./holders.ts";
import { ledgerStore, readStore } from "./stores.ts";

/** What processes that died have left in the state folder. */
export interface Leftovers {
  /** Half-written files, caches and notes, of no use to anybody: they may go at once. */
  readonly rubbish: readonly Leftover[];
  /** Of runs that are over or forgotten: copies of standard input and large calls. `senpu prune` removes them by age. */
  readonly old: readonly Leftover[];
}

export interface Leftover {
  readonly path: string;
  readonly bytes: number;
}

/** `<name>.<process id>.partial`, and with `-<random>` in claims. */
const PARTIAL = /\.(\d+)(?:-[0-9a-f]+)?\.partial$/;
/** `broker.json.<process id>.tmp` */
const RECORD_DRAFT = /^broker\.json\.(\d+)\.tmp$/;
const SPILL = ".spill";
const COPY_PARTIAL = ".db.partial";

export function findLeftovers(folder: StateFolder): Leftovers {
  const { path, brokerFile, lockFile, spool, claims, answers } = folder;
  const known = knownRuns(folder);
  const isDeads = (name: string, pattern: RegExp): boolean => {
    const pid = pattern.exec(name)?.[1];
    return pid !== undefined && !isAlive(Number(pid));
  };
  const record = readBrokerRecord(brokerFile);
  const isFree = !StateLock.isHeld(lockFile);
  const rubbish = [
    ...list(path).filter((file) => isDeads(basename(file), RECORD_DRAFT)),
    ...(isFree && record !== undefined && !isAlive(record.pid) ? [brokerFile] : []),
    ...list(path).filter((file) => isFree && file.endsWith(COPY_PARTIAL)),
    ...list(spool).filter((file) => isDeads(file, PARTIAL)),
    // A cache of a producer, worth nothing without it. One that publishes to a broker elsewhere tells that it lives.
    ...list(spool).filter(
      (file) =>
        isFree &&
        file.endsWith(SPILL) &&
        !possibleOwners(basename(file)).some((id) => known?.get(id) === "beating"),
    ),
    ...[...list(claims), ...list(answers)].flatMap(list).filter((file) => isDeads(file, PARTIAL)),
  ];
  const isOver = (owners: readonly string[]): boolean =>
    known !== undefined && !owners.some((id) => known.has(id) && known.get(id) !== "over");
  const old = [
    ...list(spool).filter(
      (file) => file.endsWith(".jsonl") && isOver(possibleOwners(basename(file))),
    ),
    ...list(claims).filter((file) => !basename(file).startsWith(".") && isOver([basename(file)])),
  ];
  return { rubbish: measured(rubbish), old: measured(old) };
}

/** Undefined where the ledger tells nothing of which runs there are. */
function knownRuns(folder: StateFolder): ReadonlyMap<string, RunLife> | undefined {
  return readStore(
    ledgerStore(folder),
    (file) =>
      new Map(
        file
          .prepare(
            `SELECT id, CASE WHEN state IN ('settled', 'cancelled') THEN 'over'
               WHEN state = 'running' AND beat_at > ? THEN 'beating' ELSE 'held' END AS life FROM runs`,
          )
          .all(Date.now() - HEARTBEAT_DEAD_MS)
          .map((row) => [String(row["id"]), row["life"] as RunLife] as const),
      ),
  );
}

/** `held`: somebody may take it up again. */
type RunLife = "over" | "beating" | "held";

function list(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function measured(paths: readonly string[]): Leftover[] {
  return paths
    .filter((path) => existsSync(path))
    .map((path) => ({
      path,
      bytes: sizeOf(path) + list(path).reduce((sum, file) => sum + sizeOf(file), 0),
    }));
}
