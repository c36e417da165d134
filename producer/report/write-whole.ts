import { open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { SenpuError, messageOf } from "../../shared/errors.ts";

/**
 * Writes a file whole or not at all: beside it first, then in its place, whatever was there. What is no regular file
 * (`/dev/stdout`, a pipe) is written to as it is. Throws SenpuError `usage` where that cannot be.
 * `isWanted` is asked at the end: false leaves everything as it was.
 */
export async function writeWhole(
  path: string,
  texts: AsyncIterable<string> | Iterable<string>,
  isWanted: () => boolean = () => true,
): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() === true) {
    throw new SenpuError("usage", `-o ${path}: that is a folder; name a file in it`);
  }
  const isPlain = found === undefined || found.isFile();
  const draft = isPlain ? join(dirname(path), `.${basename(path)}.${process.pid}.partial`) : path;
  try {
    const file = await open(draft, "w");
    try {
      for await (const text of texts) await file.write(text);
      if (isPlain) await file.sync();
    } finally {
      await file.close();
    }
    if (isPlain && isWanted()) await rename(draft, path);
  } catch (error) {
    // What is written may break off for reasons of its own.
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw new SenpuError("usage", `-o ${path}: ${explain(error)}`, { cause: error });
  } finally {
    // Where it could not be made there is none.
    if (isPlain) await rm(draft, { force: true }).catch(() => undefined);
  }
}

const EXPLANATIONS: Readonly<Record<string, string>> = {
  ENOENT: "its folder does not exist",
  ENOTDIR: "its folder is a file",
  EACCES: "this user may not write there",
  EROFS: "nothing can be written there",
  ENOSPC: "the disk is full",
  ENAMETOOLONG: "the name is too long",
};

function explain(error: unknown): string {
  const { code } = error as { readonly code?: unknown };
  return (typeof code === "string" ? EXPLANATIONS[code] : undefined) ?? messageOf(error);
}
