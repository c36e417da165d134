import { DeleteObjectsCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import type { _Object as ListedObject, S3Client } from "@aws-sdk/client-s3";
import { explainDenied } from "../aws/explain-refusal.ts";
import { SenpuError, messageOf } from "../errors.ts";
import type { ErrorCode } from "../errors.ts";
import { BUCKET_NAME, createS3Client } from "./s3-client.ts";

export interface S3FolderOptions {
  /** `bucket`, or `bucket/prefix`. */
  readonly place: string;
  /** Where that was read, for an error. */
  readonly variable: string;
  /** The port's own code: what its errors are thrown as. */
  readonly code: ErrorCode;
  /** As for {@link createS3Client}. */
  readonly region?: string | undefined;
}

/** What a port keeps in a bucket: its objects under one prefix, and S3's refusals in words. */
export class S3Folder {
  readonly s3: S3Client;
  readonly #bucket: string;
  /** Empty, or with a slash at its end. */
  readonly #prefix: string;
  readonly #code: ErrorCode;

  /** Throws SenpuError `config` for a place that is none. */
  constructor({ place, variable, code, region }: S3FolderOptions) {
    const [bucket = "", ...steps] = place.replace(/^s3:\/\//, "").split("/");
    if (!BUCKET_NAME.test(bucket)) {
      throw new SenpuError(
        "config",
        `${variable} is ${JSON.stringify(place)}; give a bucket's name, or bucket/prefix`,
      );
    }
    this.#bucket = bucket;
    this.#prefix = steps
      .filter((step) => step !== "")
      .map((step) => `${step}/`)
      .join("");
    this.#code = code;
    this.s3 = createS3Client(region);
  }

  at(name: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#bucket, Key: `${this.#prefix}${name}` };
  }

  /** What `at` was given for an object that was listed. */
  nameOf({ Key = "" }: ListedObject): string {
    return Key.slice(this.#prefix.length);
  }

  /** Objects whose names begin so, a page at a time; none is empty. */
  async *list(prefix: string): AsyncGenerator<readonly ListedObject[]> {
    const { Key: Prefix, Bucket } = this.at(prefix);
    let ContinuationToken: string | undefined;
    do {
      const page = await this.s3.send(
        new ListObjectsV2Command({ Bucket, Prefix, ContinuationToken }),
      );
      if ((page.Contents ?? []).length > 0) yield page.Contents ?? [];
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
  }

  async hasAny(prefix: string): Promise<boolean> {
    const { Key: Prefix, Bucket } = this.at(prefix);
    const page = await this.s3.send(new ListObjectsV2Command({ Bucket, Prefix, MaxKeys: 1 }));
    return (page.Contents ?? []).length > 0;
  }

  async delete(objects: readonly ListedObject[]): Promise<void> {
    const { Errors = [] } = await this.s3.send(
      new DeleteObjectsCommand({
        Bucket: this.#bucket,
        Delete: { Objects: objects.map(({ Key }) => ({ Key })), Quiet: true },
      }),
    );
    const [first] = Errors;
    if (first !== undefined) throw new Error(`${first.Key}: ${first.Code} ${first.Message}`);
  }

  /** Throws SenpuError of the port's code for whatever S3 refuses or cannot do. `what`: as in "reading a large call". */
  async reach<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (cause instanceof SenpuError) throw cause;
      const said = messageOf(cause);
      throw new SenpuError(
        this.#code,
        `${what} in s3://${this.#bucket}/${this.#prefix} failed: ${explainDenied(said) ?? said}`,
        { cause },
      );
    }
  }

  close(): void {
    this.s3.destroy();
  }
}
