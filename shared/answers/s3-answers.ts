import { createReadStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import type { S3Client } from "@aws-sdk/client-s3";
import { SenpuError, messageOf } from "../errors.ts";
import { BUCKET_NAME, createS3Client } from "../s3/s3-client.ts";
import { checkRun, checkSegment } from "./answer-store.ts";
import type { AnswerStore, SegmentFile } from "./answer-store.ts";
import { newSegmentName } from "./folder-answers.ts";

/**
 * Answers in S3: `<prefix>/<run>/<segment>`, an object a segment, there as a whole or not at all. `place`: `bucket`, or
 * `bucket/prefix`. What is too large for memory waits in the temporary folder until it is put. Throws SenpuError `config`.
 *
 * Writing needs `s3:PutObject` on the objects; gathering results needs `s3:GetObject`; `prune` needs `s3:ListBucket`
 * and `s3:DeleteObject`.
 */
export function openS3Answers(place: string): AnswerStore {
  const [bucket = "", ...steps] = place.replace(/^s3:\/\//, "").split("/");
  const prefix = steps.filter((step) => step !== "").map((step) => `${step}/`);
  if (BUCKET_NAME.test(bucket)) return new S3Answers(createS3Client(), bucket, prefix.join(""));
  throw new SenpuError(
    "config",
    `SENPU_ANSWERS_BUCKET is ${JSON.stringify(place)}; give a bucket's name, or bucket/prefix`,
  );
}

class S3Answers implements AnswerStore {
  readonly #s3: S3Client;
  readonly #bucket: string;
  /** Empty, or with a slash at its end. */
  readonly #prefix: string;

  constructor(s3: S3Client, bucket: string, prefix: string) {
    this.#s3 = s3;
    this.#bucket = bucket;
    this.#prefix = prefix;
  }

  async write(run: string, parts: readonly Uint8Array[]): Promise<string> {
    checkRun(run);
    const name = newSegmentName();
    const Body = Buffer.concat(parts);
    await this.#reach("saving answers", () =>
      this.#s3.send(new PutObjectCommand({ ...this.#at(`${run}/${name}`), Body })),
    );
    return name;
  }

  async begin(run: string): Promise<SegmentFile> {
    checkRun(run);
    const name = newSegmentName();
    return beginFile((path) =>
      this.#reach("saving an answer", async () => {
        const { size } = await stat(path);
        await this.#s3.send(
          new PutObjectCommand({
            ...this.#at(`${run}/${name}`),
            Body: createReadStream(path),
            ContentLength: size,
          }),
        );
        return name;
      }),
    );
  }

  async load(run: string, segment: string): Promise<Buffer> {
    checkRun(run);
    checkSegment(segment);
    return this.#reach("reading saved answers", async () => {
      const { Body } = await this.#s3.send(new GetObjectCommand(this.#at(`${run}/${segment}`)));
      return Buffer.from((await Body?.transformToByteArray()) ?? []);
    });
  }

  read(run: string, segment: string, at: number, bytes: number): Readable {
    checkRun(run);
    return Readable.from(this.#read(run, segment, at, bytes), { objectMode: false });
  }

  async *#read(run: string, segment: string, at: number, bytes: number): AsyncGenerator<Buffer> {
    checkSegment(segment);
    if (bytes === 0) return;
    const Range = `bytes=${at}-${at + bytes - 1}`;
    const { Body } = await this.#reach("reading a saved answer", () =>
      this.#s3.send(new GetObjectCommand({ ...this.#at(`${run}/${segment}`), Range })),
    );
    let found = 0;
    for await (const chunk of Body as Readable) {
      found += (chunk as Buffer).length;
      yield chunk as Buffer;
    }
    if (found === bytes) return;
    throw new SenpuError(
      "answers",
      `a saved answer is damaged: ${run}/${segment} has ${found} of its ${bytes} bytes at ${at}`,
    );
  }

  async removeRun(run: string): Promise<void> {
    checkRun(run);
    await this.#reach("removing saved answers", async () => {
      const { Bucket, Key: Prefix } = this.#at(`${run}/`);
      let ContinuationToken: string | undefined;
      do {
        const page = await this.#s3.send(
          new ListObjectsV2Command({ Bucket, Prefix, ContinuationToken }),
        );
        const Objects = (page.Contents ?? []).map(({ Key }) => ({ Key }));
        if (Objects.length > 0) {
          const { Errors = [] } = await this.#s3.send(
            new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }),
          );
          const [first] = Errors;
          if (first !== undefined) throw new Error(`${first.Key}: ${first.Code} ${first.Message}`);
        }
        ContinuationToken = page.NextContinuationToken;
      } while (ContinuationToken !== undefined);
    });
  }

  async close(): Promise<void> {
    this.#s3.destroy();
  }

  #at(name: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#bucket, Key: `${this.#prefix}${name}` };
  }

  async #reach<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (cause instanceof SenpuError) throw cause;
      throw new SenpuError(
        "answers",
        `${what} in s3://${this.#bucket}/${this.#prefix} failed: ${messageOf(cause)}`,
        { cause },
      );
    }
  }
}

/** A file in a temporary folder of its own, which goes with it. */
export async function beginFile(put: (path: string) => Promise<string>): Promise<SegmentFile> {
  const folder = await mkdtemp(join(tmpdir(), "senpu-answer-")).catch((cause: unknown) => {
    throw new SenpuError("answers", `no answer can be saved: ${messageOf(cause)}`, { cause });
  });
  const path = join(folder, "body");
  const discard = (): Promise<void> => rm(dirname(path), { recursive: true, force: true });
  return {
    path,
    keep: async () => {
      try {
        return await put(path);
      } finally {
        await discard();
      }
    },
    discard,
  };
}
