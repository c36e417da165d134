import { isTransient } from "../broker/patience.ts";
import { SenpuError, messageOf } from "../errors.ts";
import type { PostgresPlace } from "./postgres-place.ts";

/** What PostgreSQL's errors mean, by SQLSTATE. Source: PostgreSQL documentation, appendix A. */
const STATE = {
  readOnly: "25006",
  wrongSignIn: ["28000", "28P01"],
  noDatabase: "3D000",
  noRight: "42501",
  full: "53100",
} as const;

/** What passes: conflicts with another transaction, a server that starts, ends, or has too many connections. */
const PASSING = new Set([
  "40001", // serialization_failure
  "40P01", // deadlock_detected
  "55P03", // lock_not_available
  "53300", // too_many_connections
  "57P01", // admin_shutdown
  "57P02", // crash_shutdown
  "57P03", // cannot_connect_now
  "25P03", // idle_in_transaction_session_timeout
  STATE.readOnly, // what was the writer until a failover
]);

/** The driver gives these no code. */
const LOST = /^Connection terminated|timeout expired|^Query read timeout|not queryable|^Client was/;
/** Of OpenSSL's and Node's verdicts on a certificate. */
const CERTIFICATE = /CERT|SELF_SIGNED|ISSUER|LEAF_SIGNATURE|SSL connection/;

/** Might the same succeed in a moment, on this connection or a new one? */
export function mayPass(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof SenpuError) return false;
  const code = codeOf(error);
  if (PASSING.has(code) || code.startsWith("08") || code === "ENOTFOUND") return true;
  return LOST.test(error.message) || isTransient(error);
}

/** Of what cannot pass. */
export function refusal(error: unknown, place: PostgresPlace): unknown {
  if (error instanceof SenpuError || !(error instanceof Error)) return error;
  return say(place, wordsOf(error, place), error);
}

export function outOfReach(error: unknown, place: PostgresPlace, patienceMs: number): SenpuError {
  return say(
    place,
    `no answer for ${patienceMs} ms, last: ${describe(error)}; is it running, and may this machine reach it? Nothing of this step is lost: try again`,
    error,
  );
}

export function closed(place: PostgresPlace): SenpuError {
  return say(place, "is closed");
}

/** For errors: never with a password. */
function say(place: PostgresPlace, text: string, cause?: unknown): SenpuError {
  return new SenpuError(
    "ledger",
    `PostgreSQL ledger ${place.database} at ${place.host}:${place.port}: ${text}`,
    { cause },
  );
}

function wordsOf(error: Error, { user, database, signIn, tls }: PostgresPlace): string {
  const code = codeOf(error);
  if (STATE.wrongSignIn.some((state) => state === code)) {
    const remedy =
      signIn === "iam"
        ? `the user must have the role rds_iam, and these credentials the permission rds-db:connect for it`
        : "check user and password (SENPU_LEDGER_URL, SENPU_LEDGER_PASSWORD)";
    return `${user} may not sign in (${error.message}); ${remedy}`;
  }
  if (code === STATE.noDatabase) {
    return `the database does not exist; CREATE DATABASE ${database}, or correct SENPU_LEDGER_URL`;
  }
  if (code === STATE.noRight) {
    return `${user} may not do this (${error.message}); sign in as the user who made the tables, or have them granted`;
  }
  if (code === STATE.full) {
    return "no space left, and nothing of this step was stored; give it more storage, then go on";
  }
  if (tls !== false && CERTIFICATE.test(`${code} ${error.message}`)) {
    return `TLS is not to be trusted (${describe(error)}); SENPU_LEDGER_CA must name a file with the certificates that sign the server's, for RDS its global bundle`;
  }
  return describe(error);
}

function codeOf(error: Error): string {
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? code : "";
}

function describe(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return describe(error.errors[0]);
  return messageOf(error) || (error instanceof Error ? codeOf(error) : "") || "no reason given";
}
