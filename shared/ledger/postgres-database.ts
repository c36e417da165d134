import { setTimeout as sleep } from "node:timers/promises";
import { Pool, TypeOverrides, types } from "pg";
import type { PoolClient, QueryResult } from "pg";
import { SenpuError } from "../errors.ts";
import type { PostgresPlace } from "./postgres-place.ts";
import { passwordOf } from "./postgres-sign-in.ts";
import { closed, mayPass, outOfReach, refusal } from "./postgres-words.ts";

export interface PostgresDatabaseOptions {
  readonly place: PostgresPlace;
  /** Run once on the first connection, before all else; may throw SenpuError. Default: nothing. */
  readonly prepare?: (query: Query, transact: Transact) => Promise<void>;
  /** From an operation's first failure until it is given up, in milliseconds. Default 30,000. */
  readonly patienceMs?: number;
}

/** One statement and its rows. */
export type Query = <Row = Record<string, unknown>>(
  sql: string,
  values?: readonly unknown[],
) => Promise<Row[]>;
/** All of `work`, or nothing. */
export type Transact = <T>(work: (query: Query) => Promise<T>) => Promise<T>;

const PATIENCE_MS = 30_000;
/** The same, as long as the server has never answered: a wrong address should be told soon. */
const FIRST_PATIENCE_MS = 3_000;
const FIRST_DELAY_MS = 25;
const MAX_DELAY_MS = 1_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** A statement that takes longer has lost its connection; the longest of ours take seconds. */
const STATEMENT_TIMEOUT_MS = 60_000;
const IDLE_TIMEOUT_MS = 30_000;

/**
 * For each connection. Plans are made without looking at values, and by way of the indexes: so is each of our statements
 * meant, and one for an array of a thousand ids must not depend on how fresh the statistics of a growing table are. What
 * a vanished client held is let go.
 */
const SESSION = {
  plan_cache_mode: "force_generic_plan",
  enable_seqscan: "off",
  max_parallel_workers_per_gather: "0",
  jit: "off",
  lock_timeout: "30s",
  idle_in_transaction_session_timeout: "30s",
  tcp_keepalives_idle: "15",
  tcp_keepalives_interval: "5",
  tcp_keepalives_count: "3",
};

/**
 * One connection to a database, made when it is needed and anew when it is lost; what fails by that is repeated.
 * States: open → closed, where nothing is tried any more and pauses end at once.
 */
export class PostgresDatabase {
  readonly #options: PostgresDatabaseOptions;
  readonly #pool: Pool;
  readonly #closed = new AbortController();
  #answered = false;
  #prepared = false;

  constructor(options: PostgresDatabaseOptions) {
    this.#options = options;
    this.#pool = createPool(options.place);
  }

  /** One statement by itself. Repeated when its connection is lost: it must do no harm twice. Throws SenpuError `ledger`. */
  readonly query: Query = (sql, values) =>
    this.#patiently(() => this.#connected((query) => query(sql, values)));

  /**
   * All of `work`, or nothing: `work` is begun anew after a lost connection or a conflict with another transaction. One
   * whose COMMIT was not answered is asked for by its number, so that nothing that was stored is done twice.
   */
  readonly transact: Transact = (work) => {
    const attempt = transaction(work);
    return this.#patiently(() => this.#connected(attempt));
  };

  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    await this.#pool.end();
  }

  async #patiently<T>(attempt: () => Promise<T>): Promise<T> {
    const { place } = this.#options;
    let failedAt: number | undefined;
    for (let failures = 0; ; failures++) {
      if (this.#closed.signal.aborted) throw closed(place);
      try {
        return await attempt();
      } catch (error) {
        if (!mayPass(error)) throw refusal(error, place);
        failedAt ??= performance.now();
        const patienceMs = this.#patienceMs;
        const delayMs = Math.random() * Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** failures);
        if (performance.now() + delayMs > failedAt + patienceMs) {
          throw outOfReach(error, place, patienceMs);
        }
        await sleep(delayMs, undefined, { signal: this.#closed.signal }).catch(() => {});
      }
    }
  }

  get #patienceMs(): number {
    const { patienceMs = PATIENCE_MS } = this.#options;
    return this.#answered ? patienceMs : Math.min(patienceMs, FIRST_PATIENCE_MS);
  }

  async #connected<T>(work: (query: Query) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    this.#answered = true;
    const query = queryOf(client);
    let failure: unknown;
    try {
      if (!this.#prepared) {
        await this.#options.prepare?.(query, (inner) => transaction(inner)(query));
        this.#prepared = true;
      }
      return await work(query);
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      // After an error of the server or the network nobody knows what state the connection is in.
      client.release(failure !== undefined && !(failure instanceof SenpuError));
    }
  }
}

/** One attempt after the other calls what this returns, each on a connection of its own. */
function transaction<T>(work: (query: Query) => Promise<T>): (query: Query) => Promise<T> {
  let doubt: { readonly number: string; readonly result: T } | undefined;
  return async (query) => {
    if (doubt !== undefined) {
      const fate = await fateOf(query, doubt.number);
      if (fate === "committed") return doubt.result;
      if (fate === "in progress") throw new StillCommitting();
      doubt = undefined;
    }
    const [row] = await query<{ number: string }>(BEGIN);
    try {
      const result = await work(query);
      doubt = { number: row?.number ?? "", result };
    } catch (error) {
      if (error instanceof SenpuError) await query("ROLLBACK");
      throw error;
    }
    await query("COMMIT");
    return doubt.result;
  };
}

const BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_current_xact_id()::text AS number";

class StillCommitting extends Error {
  override readonly name = "StillCommitting";
  readonly code = "40001";
  override readonly message = "a transaction is being committed still";
}

async function fateOf(query: Query, number: string): Promise<string | null | undefined> {
  const [row] = await query<{ fate: string | null }>("SELECT pg_xact_status($1::xid8) AS fate", [
    number,
  ]);
  return row?.fate;
}

function queryOf(client: PoolClient): Query {
  return async <Row>(sql: string, values: readonly unknown[] = []) => {
    const result: QueryResult | QueryResult[] = await client.query(sql, [...values]);
    // Several statements, which only those without values may be, have a result each.
    return (Array.isArray(result) ? result.at(-1) : result)?.rows as Row[];
  };
}

function createPool(place: PostgresPlace): Pool {
  const { host, port, user, database, tls } = place;
  const parsers = new TypeOverrides();
  // Times and counts, all of which a number holds exactly.
  parsers.setTypeParser(types.builtins.INT8, Number);
  const pool = new Pool({
    host,
    port,
    user,
    database,
    password: passwordOf(place),
    ssl: tls,
    // A process has another where a thread of it records.
    max: 1,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: STATEMENT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    allowExitOnIdle: true,
    keepAlive: true,
    application_name: "senpu",
    options: Object.entries(SESSION)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(" "),
    types: parsers,
  });
  // Who uses a connection hears of its end by what it asked for; who does not need not hear.
  pool.on("error", () => {});
  pool.on("connect", (client) => void client.on("error", () => {}));
  return pool;
}
