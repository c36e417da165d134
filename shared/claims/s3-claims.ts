import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import type { _Object as ListedObject } from "@aws-sdk/client-s3";
import { canName } from "../model/claim.ts";
import type { Claim } from "../model/claim.ts";
import { statusOf } from "../s3/s3-client.ts";
import { S3Folder } from "../s3/s3-folder.ts";
import { checkClaim, checkContent, checkRun, claimOf, lost } from "./claim-store.ts";
import type { ClaimStore } from "./claim-store.ts";

const KIND = "s3";
/** Runs that were forgotten: an empty object each, of that age. No run's id begins with a dot. */
const FORGOTTEN = ".forgotten/";
/** What came damaged may have been damaged on its way. */
const MAX_READS = 2;

/**
 * Claims in S3: `<prefix>/<run>/<SHA-256>`. S3 is told the SHA-256 with each object and refuses what it does not fit; it
 * is checked again when read. `place`: `bucket`, or `bucket/prefix`; `region`: as for {@link S3Folder}. Throws SenpuError
 * `config` for what is neither.
 *
 * Needs `s3:PutObject` and `s3:GetObject` on the objects, and `s3:ListBucket` on the bucket, without which S3 says of a
 * missing object that it may not be read; `prune` needs `s3:DeleteObject` too. A bucket where nobody prunes wants a
 * lifecycle rule that expires objects, no sooner than the longest deadline and {@link CLAIM_KEPT_MS} after their making.
 */
export function openS3Claims(place: string, region?: string): ClaimStore {
  return new S3Claims(
    new S3Folder({ place, variable: "SENPU_CLAIMS_BUCKET", code: "claims", region }),
  );
}

class S3Claims implements ClaimStore {
  readonly #folder: S3Folder;

  constructor(folder: S3Folder) {
    this.#folder = folder;
  }

  async put(run: string, bytes: Uint8Array): Promise<Claim> {
    const claim = claimOf(KIND, run, bytes);
    await this.#folder.reach("keeping a large call", () =>
      this.#folder.s3.send(
        new PutObjectCommand({
          ...this.#folder.at(`${run}/${claim.sha256}`),
          Body: bytes,
          ContentType: "application/json",
          ChecksumSHA256: Buffer.from(claim.sha256, "hex").toString("base64"),
        }),
      ),
    );
    return claim;
  }

  async get(claim: Claim): Promise<Buffer> {
    checkClaim(KIND, claim);
    for (let read = 1; ; read++) {
      const bytes = await this.#folder.reach("reading a large call", () => this.#read(claim));
      try {
        return checkContent(claim, bytes);
      } catch (error) {
        if (read === MAX_READS) throw error;
      }
    }
  }

  async removeRun(run: string): Promise<void> {
    checkRun(run);
    await this.#folder.reach("removing large calls", async () => {
      for await (const objects of this.#folder.list(`${run}/`)) await this.#folder.delete(objects);
    });
  }

  async forget(runs: readonly string[], _now: number): Promise<void> {
    await this.#folder.reach("marking forgotten runs", async () => {
      for (const run of runs.filter(canName)) {
        if (!(await this.#folder.hasAny(`${run}/`))) continue;
        await this.#folder.s3.send(
          new PutObjectCommand({
            ...this.#folder.at(`${FORGOTTEN}${run}`),
            Body: new Uint8Array(),
          }),
        );
      }
    });
  }

  async prune(before: number, kept: ReadonlySet<string>): Promise<string[]> {
    return this.#folder.reach("removing large calls of forgotten runs", async () => {
      const gone: string[] = [];
      for await (const marks of this.#folder.list(FORGOTTEN)) {
        const over: ListedObject[] = [];
        for (const mark of marks) {
          const run = this.#folder.nameOf(mark).slice(FORGOTTEN.length);
          if (!kept.has(run)) {
            if (!canName(run) || (mark.LastModified?.getTime() ?? before) >= before) continue;
            await this.removeRun(run);
            gone.push(run);
          }
          over.push(mark);
        }
        // Last: a death before this removes once more what is gone.
        if (over.length > 0) await this.#folder.delete(over);
      }
      return gone;
    });
  }

  async close(): Promise<void> {
    this.#folder.close();
  }

  async #read(claim: Claim): Promise<Buffer> {
    try {
      const { Body } = await this.#folder.s3.send(
        new GetObjectCommand({
          ...this.#folder.at(`${claim.run}/${claim.sha256}`),
          ChecksumMode: "ENABLED",
        }),
      );
      return Buffer.from((await Body?.transformToByteArray()) ?? []);
    } catch (error) {
      // A bucket that is missing is another matter.
      const isMissing = statusOf(error) === 404 && (error as Error).name === "NoSuchKey";
      throw isMissing ? lost(claim, error) : error;
    }
  }
}
