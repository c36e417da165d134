import { PostgresDatabase } from "./postgres-database.ts";
import { parsePostgresPlace } from "./postgres-place.ts";
import type { PostgresPlaceOptions } from "./postgres-place.ts";
import { READER, RECORDER } from "./role-names.ts";

/** Where there is IAM, the role gets in by it; elsewhere only once somebody gives it a password. Needs CREATEROLE. */
const createRole = (role: string): string => `
  IF to_regrole('${role}') IS NULL THEN
    BEGIN
      CREATE ROLE ${role} LOGIN;
      IF to_regrole('rds_iam') IS NOT NULL THEN
        GRANT rds_iam TO ${role};
      END IF;
    EXCEPTION
      -- Another database's ledger on the same server was quicker.
      WHEN duplicate_object OR unique_violation THEN NULL;
    END;
  END IF;
`;

/**
 * The role that reads, made where one may, and its rights, which later tables give it too. Where it is neither there nor
 * to be made, there is nobody to grant to.
 */
export const GRANT_READER = `
  DO $$ BEGIN
    IF (SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user) THEN
      ${createRole(READER)}
    END IF;
    IF to_regrole('${READER}') IS NOT NULL THEN
      GRANT USAGE ON SCHEMA senpu TO ${READER};
      GRANT SELECT ON ALL TABLES IN SCHEMA senpu TO ${READER};
      ALTER DEFAULT PRIVILEGES IN SCHEMA senpu GRANT SELECT ON TABLES TO ${READER};
    END IF;
  END $$;
`;

/**
 * What a database's administrator, whom the place names, does once, before anybody records: both roles, with just the
 * rights they need. So the administrator's password serves for this, and nothing else. Safe to repeat. Returns their
 * names. Throws SenpuError `ledger`.
 */
export async function createLedgerRoles(
  place: PostgresPlaceOptions,
): Promise<{ readonly recorder: string; readonly reader: string }> {
  const database = new PostgresDatabase({ place: parsePostgresPlace(place) });
  try {
    await database.query(`
      DO $$ BEGIN
        ${createRole(RECORDER)}
        ${createRole(READER)}
        EXECUTE format('GRANT CONNECT, CREATE ON DATABASE %I TO ${RECORDER}', current_database());
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO ${READER}', current_database());
      END $$;
    `);
    return { recorder: RECORDER, reader: READER };
  } finally {
    await database.close();
  }
}
