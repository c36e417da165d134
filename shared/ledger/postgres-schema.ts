import { SenpuError } from "../errors.ts";
import type { Query, Transact } from "./postgres-database.ts";
import { GRANT_READER } from "./postgres-roles.ts";

/** The newest version of the schema `senpu`; each step makes one version the next, from none on. */
const STEPS: readonly string[] = [
  `
  CREATE SCHEMA senpu;
  CREATE TABLE senpu.version (version integer NOT NULL);
  INSERT INTO senpu.version VALUES (0);

  -- Names are compared by their bytes: so no index depends on a library of the machine, and none breaks by an upgrade.
  CREATE TABLE senpu.runs (
    -- Never given twice, so that a forgotten run's calls are never another's.
    key integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    name text NOT NULL,
    parent text,
    created_at bigint NOT NULL,
    source text NOT NULL,
    settings text NOT NULL,
    tolerance double precision,
    state text NOT NULL,
    generation integer NOT NULL,
    ended_at bigint,
    beat_at bigint NOT NULL,
    owner text,
    closed_planned bigint,
    -- Rows in calls, those not yet planned included.
    recorded integer NOT NULL DEFAULT 0,
    planned integer NOT NULL DEFAULT 0,
    succeeded integer NOT NULL DEFAULT 0,
    failed integer NOT NULL DEFAULT 0,
    forgiven integer NOT NULL DEFAULT 0,
    cancelled integer NOT NULL DEFAULT 0,
    attempts bigint NOT NULL DEFAULT 0,
    duplicates bigint NOT NULL DEFAULT 0,
    max_latency_ms double precision
    -- Changed by every batch: there is room for it on the page, and no index knows.
  ) WITH (fillfactor = 50);
  CREATE INDEX runs_by_age ON senpu.runs (created_at);

  -- Rows are added here and to outcomes, and hardly ever changed: nothing to clean up after a hundred million of them.
  CREATE TABLE senpu.calls (
    run integer NOT NULL,
    -- In the order first recorded, from 0.
    position integer NOT NULL,
    -- False: its outcome came before its plan. Such a row counts nowhere yet.
    planned boolean NOT NULL,
    id text COLLATE "C" NOT NULL,
    lane text NOT NULL,
    method text NOT NULL,
    url text NOT NULL,
    PRIMARY KEY (run, position)
  );
  CREATE UNIQUE INDEX calls_by_id ON senpu.calls (run, id);

  -- None for a call that is pending.
  CREATE TABLE senpu.outcomes (
    started_at bigint,
    settled_at bigint NOT NULL,
    latency_ms double precision,
    run integer NOT NULL,
    position integer NOT NULL,
    attempts integer NOT NULL,
    -- The state's rank.
    state smallint NOT NULL,
    status integer,
    reason text COLLATE "C",
    error text,
    worker text,
    PRIMARY KEY (run, position)
  );
  -- What is looked for most, and is few.
  CREATE INDEX outcomes_failed ON senpu.outcomes (run, position) WHERE state = 2;

  -- How many calls had about this latency: three significant digits.
  CREATE TABLE senpu.latencies (
    run integer NOT NULL,
    latency_us bigint NOT NULL,
    count integer NOT NULL,
    PRIMARY KEY (run, latency_us)
  ) WITH (fillfactor = 50);

  CREATE TABLE senpu.failures (
    run integer NOT NULL,
    reason text COLLATE "C" NOT NULL,
    -- 0 where there was no answer.
    status integer NOT NULL,
    count integer NOT NULL,
    PRIMARY KEY (run, reason, status)
  ) WITH (fillfactor = 50);

  CREATE TABLE senpu.events (
    number bigint GENERATED ALWAYS AS IDENTITY,
    run integer NOT NULL,
    at bigint NOT NULL,
    what text NOT NULL,
    by text NOT NULL,
    PRIMARY KEY (run, number)
  );

  CREATE TABLE senpu.outbox (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    run text COLLATE "C" NOT NULL,
    event text NOT NULL,
    task text NOT NULL,
    state text NOT NULL,
    at bigint NOT NULL
  );

  -- Runs that are forgotten already, while rows of theirs are still being deleted.
  CREATE TABLE senpu.forgotten (
    key integer PRIMARY KEY,
    recorded integer NOT NULL
  );
  ${GRANT_READER}
  `,
  `
  -- What was kept of calls' answers, as JSON; none where nothing was.
  CREATE TABLE senpu.answers (
    run integer NOT NULL,
    position integer NOT NULL,
    answer text NOT NULL,
    PRIMARY KEY (run, position)
  );
  ${GRANT_READER}
  `,
];

/** Any number that no other use of the database takes for its lock: "senpu" in ASCII. */
const LOCK = 0x73_65_6e_70_75;

/**
 * Makes the schema, or brings an older one here, one process at a time, all or nothing. Where it is this version's
 * already, that is one look, for which the right to read is enough. Throws SenpuError `ledger` for a newer one.
 */
export async function adoptSchema(query: Query, transact: Transact): Promise<void> {
  if ((await readVersion(query)) === STEPS.length) return;
  await transact(async (query) => {
    await query("SELECT pg_advisory_xact_lock($1)", [LOCK]);
    // Another process may have brought it here while this one waited.
    const found = await readVersion(query);
    if (found > STEPS.length) {
      throw new SenpuError(
        "ledger",
        `the PostgreSQL ledger was written by a newer senpu (schema ${found}; this one reads up to ${STEPS.length}): update senpu`,
      );
    }
    for (const step of STEPS.slice(found)) await query(step);
    await query("UPDATE senpu.version SET version = $1", [STEPS.length]);
  });
}

/** 0: there is none. */
async function readVersion(query: Query): Promise<number> {
  // Not `to_regclass`, which may remember from before the wait that there was none.
  const [there] = await query(
    "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = 'senpu' AND tablename = 'version') AS is",
  );
  if (there?.["is"] !== true) return 0;
  const [row] = await query<{ version: number }>("SELECT version FROM senpu.version");
  return row?.version ?? 0;
}
