import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { finished } from "node:stream/promises";
import { createGunzip, constants } from "node:zlib";
import { Fault } from "../../shared/document/fault.ts";
import { messageOf } from "../../shared/errors.ts";

/** Bytes read at a time: enough that a promise a read costs nothing, little enough to stay flat. */
export const READ_BYTES = 131_072;

/** Source: RFC 1952, "Member header". */
const GZIP_MARK = Buffer.from([0x1f, 0x8b]);

/**
 * A file's bytes, as fast as they are asked for; unpacked where it begins as gzip does, whatever its name, one member
 * after the other. What it unpacks to is never in memory as a whole, so a small file that unpacks to a vast one costs
 * time only. `onRaw` is shown the bytes as they lie on disk, before they are unpacked.
 * Throws a {@link Fault} for gzip that is cut off or damaged, with the line where that is.
 */
export async function* readUnpacked(
  path: string,
  onRaw?: (chunk: Buffer) => void,
): AsyncGenerator<Buffer> {
  if (!(await isGzip(path))) {
    if (path.toLowerCase().endsWith(".gz")) {
      throw new Fault("its name ends in .gz, and it does not begin as gzip does");
    }
    for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES })) {
      onRaw?.(chunk as Buffer);
      yield chunk as Buffer;
    }
    return;
  }
  const raw = createReadStream(path, { highWaterMark: READ_BYTES });
  const gunzip = createGunzip({ chunkSize: READ_BYTES });
  if (onRaw !== undefined) raw.on("data", onRaw as (chunk: Buffer | string) => void);
  raw.on("error", (error) => gunzip.destroy(error));
  raw.pipe(gunzip);
  try {
    for await (const chunk of gunzip) yield chunk as Buffer;
  } catch (cause) {
    throw await explain(path, cause);
  } finally {
    gunzip.destroy();
    raw.destroy();
    await finished(raw).catch(() => {});
  }
}

async function isGzip(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    // Of a pipe a byte that is read is gone; nobody packs what comes out of one on this machine.
    if (!(await file.stat()).isFile()) return false;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(GZIP_MARK.length), 0);
    return bytesRead === GZIP_MARK.length && buffer.equals(GZIP_MARK);
  } finally {
    await file.close();
  }
}

/** Returns what to throw: a {@link Fault} where zlib complains, the error itself otherwise. */
async function explain(path: string, cause: unknown): Promise<unknown> {
  const { code } = cause as NodeJS.ErrnoException;
  if (typeof code !== "string" || !code.startsWith("Z_")) return cause;
  const line = (await countLines(path)) + 1;
  return new Fault(
    code === "Z_BUF_ERROR"
      ? `its gzip data is cut off in line ${line}; fetch or write the file anew`
      : `its gzip data is damaged (${messageOf(cause)}), behind line ${line}; fetch or write the file anew`,
    { cause },
  );
}

/** Whole lines that the sound part holds: a second reading, which takes what there is without complaint about the end. */
async function countLines(path: string): Promise<number> {
  let lines = 0;
  const gunzip = createGunzip({ finishFlush: constants.Z_SYNC_FLUSH });
  gunzip.on("data", (chunk: Buffer) => {
    lines += countBreaks(chunk);
  });
  createReadStream(path).pipe(gunzip);
  await finished(gunzip).catch(() => {});
  return lines;
}

/** Line feeds. */
export function countBreaks(chunk: Buffer): number {
  let breaks = 0;
  for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) breaks++;
  return breaks;
}
