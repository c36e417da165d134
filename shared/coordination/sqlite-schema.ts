import type { Schema } from "../sqlite-migration.ts";

const CLAIMS = `
    CREATE TABLE claims (
      run TEXT NOT NULL,
      lane TEXT NOT NULL,
      -- Infinity: not capped.
      concurrency REAL NOT NULL,
      -- Null: the lane does not adapt.
      min_concurrency REAL,
      -- Both null: no rate.
      rate_count REAL,
      rate_per_ms REAL,
      -- Null: starts are evenly spaced.
      rate_burst REAL,
      PRIMARY KEY (run, lane)
    ) STRICT, WITHOUT ROWID;`;

/** Columns: as in DestinationRecord. */
const DESTINATIONS = `
    CREATE TABLE destinations (
      lane TEXT NOT NULL,
      origin TEXT NOT NULL,
      state TEXT NOT NULL,
      until REAL NOT NULL,
      cause TEXT NOT NULL,
      closings INTEGER NOT NULL,
      closed_since REAL NOT NULL,
      window REAL,
      news_from REAL NOT NULL,
      narrowed_at REAL NOT NULL,
      prober TEXT,
      prober_until REAL NOT NULL,
      changed_at REAL NOT NULL,
      PRIMARY KEY (lane, origin)
    ) STRICT, WITHOUT ROWID;

    -- Workers read these again and again; the open ones, that once were not, may be many.
    CREATE INDEX listed_destinations ON destinations (lane) WHERE state = 'closed' OR window IS NOT NULL;`;

export const COORDINATION_SCHEMA: Schema = {
  version: 2,
  create: `
    CREATE TABLE controls (
      run TEXT PRIMARY KEY,
      generation INTEGER NOT NULL,
      state TEXT NOT NULL,
      at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    ${CLAIMS}
    ${DESTINATIONS}

    CREATE TABLE leases (
      lane TEXT NOT NULL,
      worker TEXT NOT NULL,
      wanted INTEGER NOT NULL,
      slots INTEGER NOT NULL,
      expires_at REAL NOT NULL,
      PRIMARY KEY (lane, worker)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE starts (
      lane TEXT PRIMARY KEY,
      -- Where the next reservation may start.
      next_at REAL NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE checkpoints (
      chunk TEXT PRIMARY KEY,
      json TEXT NOT NULL,
      at REAL NOT NULL
    ) STRICT;
  `,
  migrations: [
    // Version 2: rates with a burst, lanes that adapt, the cap over all lanes, destinations.
    `
    ALTER TABLE claims RENAME TO claims_1;
    ${CLAIMS}
    INSERT INTO claims (run, lane, concurrency, rate_count, rate_per_ms)
      SELECT run, lane, concurrency, rate_count, rate_per_ms FROM claims_1;
    DROP TABLE claims_1;
    ${DESTINATIONS}
  `,
  ],
};
