import type { Readable } from "node:stream";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import type { S3Client } from "@aws-sdk/client-s3";
import { SenpuError, messageOf } from "../../shared/errors.ts";
import { createS3Client } from "../../shared/s3/s3-client.ts";

/** Objects of results, in whatever bucket a plan names. Needs `s3:PutObject` on them, and nothing else. */
export class ResultObjects {
  readonly #s3: S3Client = createS3Client();

  /** `url`: `s3://bucket/key`. Durable when it resolves. Throws SenpuError `answers`. */
  async put(url: string, body: Uint8Array | Readable, bytes: number, type: string): Promise<void> {
    const [bucket, ...key] = url.replace(/^s3:\/\//, "").split("/");
    try {
      await this.#s3.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: key.join("/"),
          Body: body,
          ContentLength: bytes,
          ...(type === "" ? {} : { ContentType: type }),
        }),
      );
    } catch (cause) {
      throw new SenpuError("answers", `${url} cannot be written: ${messageOf(cause)}`, { cause });
    }
  }

  close(): void {
    this.#s3.destroy();
  }
}
