import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import type { CallRow, RunRow } from "../../shared/ledger/ledger.ts";
import type { Figures } from "../../shared/model/figures.ts";
import { openSqliteLedger } from "../../shared/ledger/sqlite-ledger.ts";
import { startMisbehavingServer } from "./misbehaving-server.ts";
import type { MisbehavingServer } from "./misbehaving-server.ts";
import { THIS_MACHINE } from "./policy.ts";
import { gatherRows } from "./run-invariants.ts";
import { SenpuProcess } from "./senpu-process.ts";
import type { Ended, StartOptions } from "./senpu-process.ts";

/** A call as these tests write it into a plan. */
export interface StagedCall {
  readonly id: string;
  readonly url: string;
  readonly method?: string;
  readonly json?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeout?: string;
}

/**
 * Where a file of flow tests plays: a folder of its own, processes, servers. All of it is gone when the file's tests
 * have ended, and with it every process that a failed test left behind.
 */
export class FlowStage {
  readonly folder: string;
  readonly #processes: SenpuProcess[] = [];
  readonly #closing: (() => Promise<void>)[] = [];
  #folders = 0;

  constructor(name: string) {
    this.folder = mkdtempSync(join(tmpdir(), `senpu-flow-${name}-`));
    afterAll(() => this.#close());
  }

  async startServer(): Promise<MisbehavingServer> {
    const server = await startMisbehavingServer();
    this.onClose(() => server.close());
    return server;
  }

  onClose(close: () => Promise<void>): void {
    this.#closing.push(close);
  }

  /** The path of a state folder that nobody has made yet. */
  newState(): string {
    return join(this.folder, `state-${++this.#folders}`);
  }

  /** Returns the file's path. */
  write(name: string, content: string | Uint8Array): string {
    const path = join(this.folder, name);
    writeFileSync(path, content);
    return path;
  }

  /** A plan for this machine's servers, with retries that waste no time; `more` is laid over it. */
  writePlan(name: string, calls: readonly StagedCall[], more: object = {}): string {
    const settings = {
      name,
      retry: { attempts: 5, backoff: { first: "10ms", max: "50ms" } },
      allow: THIS_MACHINE,
    };
    return this.write(`${name}.json`, JSON.stringify({ ...settings, calls, ...more }));
  }

  start(words: readonly string[], options?: StartOptions): SenpuProcess {
    const started = new SenpuProcess(words, options);
    this.#processes.push(started);
    return started;
  }

  /** To its end. */
  run(words: readonly string[], options?: StartOptions): Promise<Ended> {
    return this.start(words, options).ended;
  }

  async #close(): Promise<void> {
    for (const { child } of this.#processes) {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    }
    await Promise.all(this.#processes.map(({ ended }) => ended));
    for (const close of this.#closing.toReversed()) await close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Calls with ids `<prefix>-0` and so on; `url` gets the id as its query. */
export function callsTo(
  url: string,
  prefix: string,
  count: number,
  more: object = {},
): StagedCall[] {
  return Array.from({ length: count }, (_, index) => {
    const id = `${prefix}-${index}`;
    return { id, url: `${url}${url.includes("?") ? "&" : "?"}id=${id}`, ...more };
  });
}

/** What the ledger of a state folder knows of a run, read beside whoever writes it. */
export async function readRun(
  state: string,
  run: string,
): Promise<{ figures: Figures; rows: CallRow[] }> {
  const ledger = openSqliteLedger(join(state, "ledger.db"));
  try {
    return { figures: await ledger.figures(run, Date.now()), rows: await gatherRows(ledger, run) };
  } finally {
    await ledger.close();
  }
}

/** The run's row; undefined while there is no ledger, or none in it. */
export async function findRun(state: string, run: string): Promise<RunRow | undefined> {
  const path = join(state, "ledger.db");
  if (!existsSync(path)) return undefined;
  const ledger = openSqliteLedger(path);
  try {
    return await ledger.findRun(run);
  } finally {
    await ledger.close();
  }
}
