import type { SqliteFile } from "../sqlite-file.ts";
import type { Destination } from "./coordination.ts";
import { toDestination, unknownDestination } from "./destination.ts";
import type { DestinationRecord } from "./destination.ts";

const COLUMNS = `origin, state, until, cause, closings, closed_since AS closedSince, window,
  news_from AS newsFrom, narrowed_at AS narrowedAt, prober, prober_until AS proberUntil, changed_at AS changedAt`;

// The index holds only those that meet its conditions, which therefore stand here word for word: else this fails.
const LISTED = `SELECT ${COLUMNS} FROM destinations INDEXED BY listed_destinations
  WHERE lane = ? AND (state = 'closed' OR window IS NOT NULL)`;

const ONE = `SELECT ${COLUMNS} FROM destinations WHERE lane = ? AND origin = ?`;

const REPLACE = `INSERT OR REPLACE INTO destinations
  (lane, origin, state, until, cause, closings, closed_since, window, news_from, narrowed_at, prober, prober_until, changed_at)
  VALUES (:lane, :origin, :state, :until, :cause, :closings, :closedSince, :window, :newsFrom, :narrowedAt, :prober, :proberUntil, :changedAt)`;

/** As in `isForgettable`. */
const FORGET = "DELETE FROM destinations WHERE changed_at < ? AND until < ?";

type Row = {
  readonly [Column in keyof DestinationRecord]: undefined extends DestinationRecord[Column]
    ? Exclude<DestinationRecord[Column], undefined> | null
    : DestinationRecord[Column];
};

export function listDestinations(file: SqliteFile, lane: string): Destination[] {
  const rows = file.read(() => file.prepare(LISTED).all(lane)) as unknown as Row[];
  return rows.map((row) => toDestination(toRecord(row)));
}

/** Stores what `change` makes of a destination, if it is another; returns what holds now, and if that is new. */
export function changeDestination(
  file: SqliteFile,
  lane: string,
  origin: string,
  change: (record: DestinationRecord) => DestinationRecord,
): { readonly after: DestinationRecord; readonly changed: boolean } {
  return file.write(() => {
    const row = file.prepare(ONE).get(lane, origin) as Row | undefined;
    const before = row === undefined ? unknownDestination(origin) : toRecord(row);
    const after = change(before);
    const changed = after !== before;
    if (changed) {
      const { window = null, prober = null, ...rest } = after;
      file.prepare(REPLACE).run({ ...rest, lane, window, prober });
    }
    return { after, changed };
  });
}

/** Within a transaction. */
export function forgetDestinations(file: SqliteFile, before: number): void {
  file.prepare(FORGET).run(before, before);
}

function toRecord({ window, prober, ...rest }: Row): DestinationRecord {
  return { ...rest, window: window ?? undefined, prober: prober ?? undefined };
}
