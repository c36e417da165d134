import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { link, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { syncFolder } from "../../shared/sync-folder.ts";
import { SenpuError } from "../../shared/errors.ts";
import { digestBytes } from "./text-file.ts";

export interface SpoolOptions {
  readonly stdin: Readable;
  /** Absolute; made if missing. */
  readonly spoolDir: string;
  readonly runId: string;
  /** Lines read so far; called after each chunk. */
  readonly onProgress?: ((lines: number) => void) | undefined;
  /** What it comes from, for messages. Default: standard input. */
  readonly shown?: string;
}

/**
 * Keeps standard input, to its end, in `<spoolDir>/<runId>.jsonl`, and returns that path: on disk before anything is
 * published, so that a run can go on where it was interrupted.
 * A copy that is there already stays; throws {@link SenpuError} `plan` when it differs from what came in.
 */
export async function spoolInput(options: SpoolOptions): Promise<string> {
  const { stdin, spoolDir, runId, onProgress, shown = "standard input" } = options;
  const path = join(spoolDir, `${runId}.jsonl`);
  const partial = `${path}.${process.pid}.partial`;
  const digest = createHash("sha256");
  let lines = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      digest.update(chunk);
      for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines++;
      onProgress?.(lines);
      done(null, chunk);
    },
  });
  await mkdir(spoolDir, { recursive: true });
  try {
    await pipeline(stdin, counter, createWriteStream(partial, { flush: true }));
    // A link fails where the name is taken, which a rename would overwrite.
    await link(partial, path).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
      if ((await digestBytes(path)) === digest.digest("hex")) return;
      throw new SenpuError(
        "plan",
        `${shown} differs from what run ${runId} was given before (${path}); choose another --run-id`,
      );
    });
    await syncFolder(spoolDir);
  } finally {
    await rm(partial, { force: true });
  }
  return path;
}
