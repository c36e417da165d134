/** Roles of the PostgreSQL ledger: who records, and who only reads (`senpu status` and `senpu calls` from afar). */
export const RECORDER = "senpu_recorder";
export const READER = "senpu_reader";
