import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Fault } from "../../shared/document/fault.ts";
import { SenpuError, messageOf } from "../../shared/errors.ts";
import { type Encoding, createTextCheck, toUtf8 } from "./encoding.ts";
import { READ_BYTES, readUnpacked } from "./unpack.ts";

/** A file of text on this machine, packed with gzip or not. */
export interface TextFile {
  readonly path: string;
  /** Default: UTF-8. */
  readonly encoding?: Encoding;
}

/** What is said of a plan's own text, which no option changes. */
export const PLAN_ADVICE = "plans and rows are UTF-8";

/** Throws a {@link Fault} that says why the path is no file to read. */
export async function checkFile(path: string): Promise<{ bytes: number }> {
  let status: Awaited<ReturnType<typeof stat>>;
  try {
    status = await stat(path);
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw new Fault(missing ? `there is no file ${path}` : messageOf(cause), { cause });
  }
  if (status.isDirectory()) throw new Fault(`${path} is a folder`);
  if (status.isFile() && status.size === 0) throw new Fault("the file is empty");
  return { bytes: status.size };
}

/** The file's text as UTF-8, unpacked, as fast as it is asked for. */
export function readText({ path, encoding = "utf-8" }: TextFile): AsyncGenerator<Buffer> {
  const chunks = readUnpacked(path);
  return encoding === "utf-8" ? chunks : toUtf8(chunks, encoding);
}

/**
 * SHA-256 of the file's bytes as they lie there, hex, streamed; throws a {@link Fault} for what is not text in its
 * encoding, followed by the advice.
 */
export async function digestText(
  { path, encoding = "utf-8" }: TextFile,
  advice = PLAN_ADVICE,
): Promise<string> {
  const digest = createHash("sha256");
  const check = createTextCheck(encoding, advice);
  try {
    for await (const chunk of readUnpacked(path, (raw) => digest.update(raw))) check.add(chunk);
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new SenpuError("plan", messageOf(cause), { cause });
  }
  check.end();
  return digest.digest("hex");
}

/** The same of any file. Throws {@link SenpuError} `plan` where it cannot be read. */
export async function digestBytes(path: string): Promise<string> {
  const digest = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES })) {
      digest.update(chunk as Buffer);
    }
  } catch (cause) {
    throw new SenpuError("plan", messageOf(cause), { cause });
  }
  return digest.digest("hex");
}
