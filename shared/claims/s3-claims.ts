import {
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import type { _Object as ListedObject, S3Client } from "@aws-sdk/client-s3";
import { explainDenied } from "../aws/explain-refusal.ts";
import { SenpuError, messageOf } from "../errors.ts";
import { canName } from "../model/claim.ts";
import type { Claim } from "../model/claim.ts";
import { BUCKET_NAME, createS3Client, statusOf } from "../s3/s3-client.ts";
import { checkClaim, checkContent, checkRun, claimOf, lost } from "./claim-store.ts";
import type { ClaimStore } from "./claim-store.ts";

const KIND = "s3";
/** Runs that were forgotten: an empty object each, of that age. No run's id begins with a dot. */
const FORGOTTEN = ".forgotten/";
/** What came damaged may have been damaged on its way. */
const MAX_READS = 2;

/**
 * Claims in S3: `<prefix>/<run>/<SHA-256>`. S3 is told the SHA-256 with each object and refuses what it does not fit; it
 * is checked again when read. `place`: `bucket`, or `bucket/prefix`; `region`: as for {@link createS3Client}. Throws SenpuError `config` for what is neither.
 *
 * Needs `s3:PutObject` and `s3:GetObject` on the objects, and `s3:ListBucket` on the bucket, without which S3 says of a
 * missing object that it may not be read; `prune` needs `s3:DeleteObject` too. A bucket where nobody prunes wants a
 * lifecycle rule that expires objects, no sooner than the longest deadline and {@link CLAIM_KEPT_MS} after their making.
 */
export function openS3Claims(place: string, region?: string): ClaimStore {
  const [bucket = "", ...steps] = place.replace(/^s3:\/\//, "").split("/");
  const prefix = steps.filter((step) => step !== "").map((step) => `${step}/`);
  if (BUCKET_NAME.test(bucket)) {
    return new S3Claims(createS3Client(region), bucket, prefix.join(""));
  }
  throw new SenpuError(
    "config",
    `SENPU_CLAIMS_BUCKET is ${JSON.stringify(place)}; give a bucket's name, or bucket/prefix`,
  );
}

class S3Claims implements ClaimStore {
  readonly #s3: S3Client;
  readonly #bucket: string;
  /** Empty, or with a slash at its end. */
  readonly #prefix: string;

  constructor(s3: S3Client, bucket: string, prefix: string) {
    this.#s3 = s3;
    this.#bucket = bucket;
    this.#prefix = prefix;
  }

  async put(run: string, bytes: Uint8Array): Promise<Claim> {
    const claim = claimOf(KIND, run, bytes);
    await this.#reach("keeping a large call", () =>
      this.#s3.send(
        new PutObjectCommand({
          ...this.#at(`${run}/${claim.sha256}`),
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
      const bytes = await this.#reach("reading a large call", () => this.#read(claim));
      try {
        return checkContent(claim, bytes);
      } catch (error) {
        if (read === MAX_READS) throw error;
      }
    }
  }

  async removeRun(run: string): Promise<void> {
    checkRun(run);
    await this.#reach("removing large calls", async () => {
      for await (const objects of this.#list(`${run}/`)) await this.#delete(objects);
    });
  }

  async forget(runs: readonly string[], _now: number): Promise<void> {
    await this.#reach("marking forgotten runs", async () => {
      for (const run of runs.filter(canName)) {
        if (!(await this.#hasAny(`${run}/`))) continue;
        await this.#s3.send(
          new PutObjectCommand({ ...this.#at(`${FORGOTTEN}${run}`), Body: new Uint8Array() }),
        );
      }
    });
  }

  async prune(before: number, kept: ReadonlySet<string>): Promise<string[]> {
    return this.#reach("removing large calls of forgotten runs", async () => {
      const gone: string[] = [];
      for await (const marks of this.#list(FORGOTTEN)) {
        const over: ListedObject[] = [];
        for (const mark of marks) {
          const run = (mark.Key ?? "").slice(this.#prefix.length + FORGOTTEN.length);
          if (!kept.has(run)) {
            if (!canName(run) || (mark.LastModified?.getTime() ?? before) >= before) continue;
            await this.removeRun(run);
            gone.push(run);
          }
          over.push(mark);
        }
        // Last: a death before this removes once more what is gone.
        if (over.length > 0) await this.#delete(over);
      }
      return gone;
    });
  }

  async close(): Promise<void> {
    this.#s3.destroy();
  }

  #at(name: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#bucket, Key: `${this.#prefix}${name}` };
  }

  async #read(claim: Claim): Promise<Buffer> {
    try {
      const { Body } = await this.#s3.send(
        new GetObjectCommand({
          ...this.#at(`${claim.run}/${claim.sha256}`),
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

  async *#list(prefix: string): AsyncGenerator<readonly ListedObject[]> {
    let ContinuationToken: string | undefined;
    do {
      const { Key: Prefix, Bucket } = this.#at(prefix);
      const page = await this.#s3.send(
        new ListObjectsV2Command({ Bucket, Prefix, ContinuationToken }),
      );
      if ((page.Contents ?? []).length > 0) yield page.Contents ?? [];
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
  }

  async #hasAny(prefix: string): Promise<boolean> {
    const { Key: Prefix, Bucket } = this.#at(prefix);
    const page = await this.#s3.send(new ListObjectsV2Command({ Bucket, Prefix, MaxKeys: 1 }));
    return (page.Contents ?? []).length > 0;
  }

  async #delete(objects: readonly ListedObject[]): Promise<void> {
    const { Errors = [] } = await this.#s3.send(
      new DeleteObjectsCommand({
        Bucket: this.#bucket,
        Delete: { Objects: objects.map(({ Key }) => ({ Key })), Quiet: true },
      }),
    );
    const [first] = Errors;
    if (first !== undefined) throw new Error(`${first.Key}: ${first.Code} ${first.Message}`);
  }

  async #reach<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (cause instanceof SenpuError) throw cause;
      throw new SenpuError(
        "claims",
        `${what} in s3://${this.#bucket}/${this.#prefix} failed: ${explainDenied(messageOf(cause)) ?? messageOf(cause)}`,
        { cause },
      );
    }
  }
}
