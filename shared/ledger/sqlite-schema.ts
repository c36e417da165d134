import type { Schema } from "../sqlite-migration.ts";

/**
 * A run's calls lie together and in the order they were first recorded, because a call's position is its run's key and
 * a running number: so a run is read, or forgotten, as one range, and needs no index for it.
 */
export const POSITIONS_PER_RUN = 2 ** 32;

export const LEDGER_SCHEMA: Schema = {
  version: 4,
  create: `
    CREATE TABLE runs (
      -- Never given twice, so that a forgotten run's calls are never another's.
      key INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      name TEXT NOT NULL,
      parent TEXT,
      created_at INTEGER NOT NULL,
      source TEXT NOT NULL,
      settings TEXT NOT NULL,
      tolerance REAL,
      state TEXT NOT NULL,
      generation INTEGER NOT NULL,
      ended_at INTEGER,
      beat_at INTEGER NOT NULL,
      owner TEXT,
      closed_planned INTEGER,
      -- Rows in calls, those not yet planned included.
      recorded INTEGER NOT NULL DEFAULT 0,
      planned INTEGER NOT NULL DEFAULT 0,
      succeeded INTEGER NOT NULL DEFAULT 0,
      failed INTEGER NOT NULL DEFAULT 0,
      forgiven INTEGER NOT NULL DEFAULT 0,
      cancelled INTEGER NOT NULL DEFAULT 0,
      attempts INTEGER NOT NULL DEFAULT 0,
      duplicates INTEGER NOT NULL DEFAULT 0,
      max_latency_ms REAL
    ) STRICT;
    CREATE INDEX runs_by_age ON runs (created_at);

    CREATE TABLE calls (
      position INTEGER PRIMARY KEY,
      run INTEGER NOT NULL,
      id TEXT NOT NULL,
      -- 0: its outcome came before its plan. Such a row counts nowhere yet.
      planned INTEGER NOT NULL,
      lane TEXT NOT NULL,
      method TEXT NOT NULL,
      url TEXT NOT NULL,
      -- The state's rank.
      state INTEGER NOT NULL,
      reason TEXT,
      status INTEGER,
      attempts INTEGER NOT NULL DEFAULT 0,
      started_at INTEGER,
      settled_at INTEGER,
      latency_ms REAL,
      error TEXT,
      worker TEXT
    ) STRICT;
    CREATE UNIQUE INDEX calls_by_id ON calls (run, id);

    -- What was kept of calls' answers, as JSON; none where nothing was.
    CREATE TABLE answers (
      position INTEGER PRIMARY KEY,
      answer TEXT NOT NULL
    ) STRICT;

    -- How many calls had about this latency: three significant digits.
    CREATE TABLE latencies (
      run INTEGER NOT NULL,
      latency_us INTEGER NOT NULL,
      count INTEGER NOT NULL,
      PRIMARY KEY (run, latency_us)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE failures (
      run INTEGER NOT NULL,
      reason TEXT NOT NULL,
      -- 0 where there was no answer.
      status INTEGER NOT NULL,
      count INTEGER NOT NULL,
      PRIMARY KEY (run, reason, status)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE events (
      run INTEGER NOT NULL,
      at INTEGER NOT NULL,
      what TEXT NOT NULL,
      by TEXT NOT NULL
    ) STRICT;
    CREATE INDEX events_by_run ON events (run);

    CREATE TABLE outbox (
      number INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      run TEXT NOT NULL,
      event TEXT NOT NULL,
      task TEXT NOT NULL,
      state TEXT NOT NULL,
      at INTEGER NOT NULL
    ) STRICT;

    -- Keys of runs that are forgotten already, while rows of theirs are still being deleted.
    CREATE TABLE forgotten (
      key INTEGER PRIMARY KEY
    ) STRICT;
  `,
  migrations: [
    // Version 1 told of settled runs only, and only by the event.
    `
    CREATE TABLE outbox_2 (
      number INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      run TEXT NOT NULL,
      event TEXT NOT NULL,
      task TEXT NOT NULL,
      state TEXT NOT NULL,
      at INTEGER NOT NULL
    ) STRICT;
    INSERT INTO outbox_2 (id, run, event, task, state, at)
      SELECT outbox.id, outbox.run, outbox.id, 'event', 'settled', coalesce(runs.ended_at, runs.created_at)
      FROM outbox JOIN runs ON runs.id = outbox.run ORDER BY outbox.number;
    DROP TABLE outbox;
    ALTER TABLE outbox_2 RENAME TO outbox;
    `,
    // Version 2 knew no owner by name, and forgave nothing.
    `
    ALTER TABLE runs ADD COLUMN owner TEXT;
    ALTER TABLE runs ADD COLUMN forgiven INTEGER NOT NULL DEFAULT 0;
    `,
    // Version 3 kept no answers.
    `
    CREATE TABLE answers (
      position INTEGER PRIMARY KEY,
      answer TEXT NOT NULL
    ) STRICT;
    `,
  ],
};
