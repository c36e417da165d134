import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { SenpuError, messageOf } from "../errors.ts";

export interface PostgresPlaceOptions {
  /**
   * `postgres://user@host:5432/database`; the port is 5432 unless it is given. A password may stand in it
   * (`user:password@`), and where none is given at all, IAM signs in, or on this machine nobody asks.
   */
  readonly url: string;
  /** Instead of one in the URL. */
  readonly password?: string | undefined;
  /**
   * Path of a PEM file: whose certificates are trusted, as RDS's global bundle. Default: those that Node trusts, among
   * which RDS's are not. On this machine, TLS is spoken only where this is given.
   */
  readonly caFile?: string | undefined;
}

/** Where a ledger lies, and how one gets in. */
export interface PostgresPlace {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** `iam`: a token is made for each connection. */
  readonly signIn: { readonly password: string } | "iam" | "nobody asks";
  /** Verified always: chain, name and dates. False: in the clear, within this machine. */
  readonly tls: { readonly rejectUnauthorized: true; readonly host: string; ca?: string } | false;
}

const DEFAULT_PORT = 5432;
const RIGHT = "write postgres://user@host:5432/database";

/** Throws SenpuError `config`, in words that hold no password. */
export function parsePostgresPlace(options: PostgresPlaceOptions): PostgresPlace {
  const url = URL.parse(options.url);
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw wrong(`is no URL of a PostgreSQL database; ${RIGHT}`);
  }
  if (url.search !== "" || url.hash !== "") {
    throw wrong(
      `has settings behind ? or #, which are not read (TLS is verified always, SENPU_LEDGER_CA names whom to trust); ${RIGHT}`,
    );
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const user = decoded(url.username);
  const database = decoded(url.pathname.slice(1));
  for (const [name, value] of Object.entries({ host, user, database })) {
    if (value === "") throw wrong(`names no ${name}; ${RIGHT}`);
  }
  const password = options.password ?? decoded(url.password);
  const isHere = isLoopback(host);
  return {
    host,
    port: Number(url.port) || DEFAULT_PORT,
    user,
    database,
    signIn: password !== "" ? { password } : isHere ? "nobody asks" : "iam",
    tls: isHere && options.caFile === undefined ? false : tlsFor(host, options.caFile),
  };
}

function tlsFor(host: string, caFile: string | undefined): PostgresPlace["tls"] {
  return {
    rejectUnauthorized: true,
    host,
    ...(caFile !== undefined && { ca: readCa(caFile) }),
  };
}

function readCa(path: string): string {
  try {
    const pem = readFileSync(path, "utf8");
    if (pem.includes("-----BEGIN CERTIFICATE-----")) return pem;
  } catch (cause) {
    throw new SenpuError("config", `SENPU_LEDGER_CA cannot be read: ${messageOf(cause)}`, {
      cause,
    });
  }
  throw new SenpuError("config", `SENPU_LEDGER_CA: ${path} holds no certificate in PEM`);
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw wrong(`has a % that begins no %XX; write %25 for one that is meant`);
  }
}

function wrong(what: string): SenpuError {
  return new SenpuError("config", `SENPU_LEDGER_URL ${what}`);
}
