import { createHash } from "node:crypto";
import { SenpuError } from "../errors.ts";
import { MAX_CLAIM_BYTES, canName, isClaim } from "../model/claim.ts";
import type { Claim, ClaimStoreKind } from "../model/claim.ts";

/**
 * The claim store port: where the large parts of calls lie that no message can hold.
 *
 * In: bytes, kept under their hash, so that putting the same again changes nothing. Out: the same bytes, checked.
 * Every method throws SenpuError `claims` when the store cannot be reached or is not the one that is meant: then trying
 * again, here or elsewhere, may help.
 */
export interface ClaimStore {
  /** Durable when it resolves. Throws {@link TooLargeError} beyond {@link MAX_CLAIM_BYTES}. */
  put(run: string, bytes: Uint8Array): Promise<Claim>;
  /** Throws {@link ClaimLostError} for what is gone, damaged, or named as no claim is. */
  get(claim: Claim): Promise<Buffer>;
  removeRun(run: string): Promise<void>;
  /** These runs are about to be forgotten: `prune` takes their claims once {@link CLAIM_KEPT_MS} have passed since `now`. */
  forget(runs: readonly string[], now: number): Promise<void>;
  /** Removes what belongs to runs that were forgotten before then, except those in `kept`. Returns the runs. */
  prune(before: number, kept: ReadonlySet<string>): Promise<string[]>;
  close(): Promise<void>;
}

const DAY_MS = 86_400_000;

/**
 * How long claims outlive their run's place in the ledger. A letter in a `failed` queue may still be replayed, and needs
 * its claim: it stays there for 14 days at the most (SQS's longest retention, which the topology gives it), and the
 * message that becomes one may lie in a lane queue for four days before. A replay makes claims of its own.
 */
export const CLAIM_KEPT_MS = (14 + 4) * DAY_MS;

/** Nothing will bring it back: the call cannot be made. */
export class ClaimLostError extends SenpuError {
  constructor(message: string, options?: { cause?: unknown }) {
    super("message", message, options);
  }
}

export class TooLargeError extends SenpuError {
  constructor(bytes: number) {
    super(
      "plan",
      `the call has ${bytes.toLocaleString("en")} bytes of URL, headers and body; at most ${MAX_CLAIM_BYTES.toLocaleString("en")} can be made`,
    );
  }
}

/** What a store of this kind says of the bytes. Throws {@link TooLargeError}, and SenpuError `claims` for a run's id that no path may hold. */
export function claimOf(store: ClaimStoreKind, run: string, bytes: Uint8Array): Claim {
  checkRun(run);
  if (bytes.length > MAX_CLAIM_BYTES) throw new TooLargeError(bytes.length);
  return { store, run, bytes: bytes.length, sha256: sha256(bytes) };
}

export function checkRun(run: string): void {
  if (canName(run)) return;
  throw new SenpuError(
    "claims",
    `run ${JSON.stringify(run)} cannot have claims: no name for files`,
  );
}

/** Throws for a claim that another kind of store has, or that is none. */
export function checkClaim(store: ClaimStoreKind, claim: Claim): void {
  if (!isClaim(claim)) {
    throw new ClaimLostError(`no claim: ${JSON.stringify(claim)?.slice(0, 120)}`);
  }
  if (claim.store === store) return;
  throw new SenpuError(
    "claims",
    claim.store === "s3"
      ? "the call lies in S3, and this process keeps claims in its state folder: set SENPU_CLAIMS_BUCKET"
      : "the call lies in the state folder of whoever published it, and this process keeps claims in S3: leave SENPU_CLAIMS_BUCKET unset",
  );
}

/** What was read is what was put. Throws {@link ClaimLostError}. */
export function checkContent(claim: Claim, bytes: Buffer): Buffer {
  if (bytes.length === claim.bytes && sha256(bytes) === claim.sha256) return bytes;
  throw new ClaimLostError(
    `the call was too large for a message, and what was kept of it is damaged (${describe(claim)}, found ${bytes.length} bytes)`,
  );
}

export function lost(claim: Claim, cause: unknown): ClaimLostError {
  return new ClaimLostError(
    `the call was too large for a message, and what was kept of it is gone (${describe(claim)})`,
    { cause },
  );
}

function describe({ store, run, bytes, sha256: hash }: Claim): string {
  return `${store} ${run}/${hash.slice(0, 12)}…, ${bytes} bytes`;
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
