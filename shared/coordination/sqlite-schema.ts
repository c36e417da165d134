import type { Schema } from "../sqlite-file.ts";

export const COORDINATION_SCHEMA: Schema = {
  version: 1,
  create: `
    CREATE TABLE controls (
      run TEXT PRIMARY KEY,
      generation INTEGER NOT NULL,
      state TEXT NOT NULL,
      at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE claims (
      run TEXT NOT NULL,
      lane TEXT NOT NULL,
      concurrency INTEGER NOT NULL,
      -- Both null: no rate.
      rate_count REAL,
      rate_per_ms REAL,
      PRIMARY KEY (run, lane)
    ) STRICT, WITHOUT ROWID;

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
};
