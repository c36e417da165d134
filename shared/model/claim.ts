/**
 * Stands in a call whose large parts no message can hold: they lie in the claim store, and the message carries this.
 * It names no path: who reads makes one of checked parts, so that a message from anybody reaches nothing but claims.
 */
export interface Claim {
  /** Which kind of store has it. */
  readonly store: ClaimStoreKind;
  /** The run that put it there, which may be an earlier one of the same calls. */
  readonly run: string;
  /** Of what lies there. */
  readonly bytes: number;
  /** Of the same, hex; its name there. */
  readonly sha256: string;
}

const CLAIM_STORES = ["folder", "s3"] as const;
export type ClaimStoreKind = (typeof CLAIM_STORES)[number];

/** A larger call cannot be made: a worker holds each of its calls in memory, several times over. */
export const MAX_CLAIM_BYTES = 64 * 1024 * 1024;

/** As a run's id that may be part of a file's name. */
const RUN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$/;
const SHA256 = /^[0-9a-f]{64}$/;

/** May a run of this id have claims? */
export function canName(run: string): boolean {
  return RUN.test(run);
}

/** Whatever passes can be looked for without harm. */
export function isClaim(value: unknown): value is Claim {
  if (typeof value !== "object" || value === null) return false;
  const { store, run, bytes, sha256 } = value as Record<string, unknown>;
  return (
    CLAIM_STORES.some((kind) => kind === store) &&
    typeof run === "string" &&
    canName(run) &&
    Number.isSafeInteger(bytes) &&
    Number(bytes) >= 0 &&
    Number(bytes) <= MAX_CLAIM_BYTES &&
    typeof sha256 === "string" &&
    SHA256.test(sha256)
  );
}
