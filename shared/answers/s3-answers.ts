import { createReadStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { SenpuError, messageOf } from "../errors.ts";
import { S3Folder } from "../s3/s3-folder.ts";
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
export function openS3Answers(place: string, region?: string): AnswerStore {
  return new S3Answers(
    new S3Folder({ place, variable: "SENPU_ANSWERS_BUCKET", code: "answers", region }),
  );
}

class S3Answers implements AnswerStore {
  readonly #folder: S3Folder;

  constructor(folder: S3Folder) {
    this.#folder = folder;
  }

  async write(run: string, parts: readonly Uint8Array[]): Promise<string> {
    checkRun(run);
    const name = newSegmentName();
    const Body = Buffer.concat(parts);
    await this.#folder.reach("saving answers", () =>
      this.#folder.s3.send(new PutObjectCommand({ ...this.#folder.at(`${run}/${name}`), Body })),
    );
    return name;
  }

  async begin(run: string): Promise<SegmentFile> {
    checkRun(run);
    const name = newSegmentName();
    return beginFile((path) =>
      this.#folder.reach("saving an answer", async () => {
        const { size } = await stat(path);
        await this.#folder.s3.send(
          new PutObjectCommand({
            ...this.#folder.at(`${run}/${name}`),
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
    return this.#folder.reach("reading saved answers", async () => {
      const { Body } = await this.#folder.s3.send(
        new GetObjectCommand(this.#folder.at(`${run}/${segment}`)),
      );
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
    const { Body } = await this.#folder.reach("reading a saved answer", () =>
      this.#folder.s3.send(
        new GetObjectCommand({ ...this.#folder.at(`${run}/${segment}`), Range }),
      ),
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
    await this.#folder.reach("removing saved answers", async () => {
      for await (const objects of this.#folder.list(`${run}/`)) await this.#folder.delete(objects);
    });
  }

  async close(): Promise<void> {
    this.#folder.close();
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
