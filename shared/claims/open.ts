import type { Deployment } from "../deployment/deployment.ts";
import { environmentVariable } from "../environment.ts";
import type { Claim } from "../model/claim.ts";
import type { ClaimStore } from "./claim-store.ts";
import { openFolderClaims } from "./folder-claims.ts";

/**
 * Where large calls lie: in the bucket of a deployment that was found by its environment's name; in S3 if
 * `SENPU_CLAIMS_BUCKET` names a bucket (or bucket/prefix), else in that folder.
 * S3's client is loaded when it is first needed, since few runs have such calls.
 */
export function openClaims(
  folder: string,
  deployment?: Pick<Deployment, "claimsBucket" | "region">,
): ClaimStore {
  const place = deployment?.claimsBucket ?? environmentVariable("SENPU_CLAIMS_BUCKET");
  if (place === undefined || place === "") return openFolderClaims(folder);
  return new LazyClaims(async () =>
    (await import("./s3-claims.ts")).openS3Claims(place, deployment?.region),
  );
}

class LazyClaims implements ClaimStore {
  readonly #open: () => Promise<ClaimStore>;
  #opened: Promise<ClaimStore> | undefined;

  constructor(open: () => Promise<ClaimStore>) {
    this.#open = open;
  }

  async put(run: string, bytes: Uint8Array): Promise<Claim> {
    return (await this.#store()).put(run, bytes);
  }

  async get(claim: Claim): Promise<Buffer> {
    return (await this.#store()).get(claim);
  }

  async removeRun(run: string): Promise<void> {
    await (await this.#store()).removeRun(run);
  }

  async forget(runs: readonly string[], now: number): Promise<void> {
    await (await this.#store()).forget(runs, now);
  }

  async prune(before: number, kept: ReadonlySet<string>): Promise<string[]> {
    return (await this.#store()).prune(before, kept);
  }

  async close(): Promise<void> {
    await (await this.#opened)?.close();
  }

  #store(): Promise<ClaimStore> {
    return (this.#opened ??= this.#open());
  }
}
