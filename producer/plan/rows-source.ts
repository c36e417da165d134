import { resolve } from "node:path";
import { parseS3Url } from "../../shared/s3/s3-object.ts";
import { type RowsFrom, isRemote } from "./from-schema.ts";
import type { RowFile } from "./rows.ts";
import { checkFile, digestText } from "./text-file.ts";

/** Rows that can be read, as often as one likes. */
export interface RowsSource {
  readonly file: RowFile;
  /** Where they come from: an absolute path, or a URL without its query, which may hold a signature. */
  readonly place: string;
  /** SHA-256 of their bytes as they are kept there, hex. */
  readonly digest: string;
  /** Removes what was fetched; does nothing for a file of this machine. */
  release(): Promise<void>;
}

/**
 * Makes rows readable: a file of this machine as it lies there; what is elsewhere from a copy that is fetched now, whole,
 * so that a run that publishes for hours depends on no connection, and reads the same rows at each turn.
 * Throws a {@link Fault} for what is not there, or not text in its encoding.
 */
export async function openRows(from: RowsFrom, baseDir: string): Promise<RowsSource> {
  const { file, format, encoding, delimiter } = from;
  const found = isRemote(file) ? await fetchCopy(from) : localFile(resolve(baseDir, file));
  const rowFile: RowFile = {
    path: found.path,
    shown: found.place,
    format,
    encoding,
    ...(delimiter === undefined ? {} : { delimiter }),
  };
  try {
    await checkFile(found.path);
    const digest = await digestText(rowFile, adviceFor(from));
    return { file: rowFile, place: found.place, digest, release: () => found.release() };
  } catch (error) {
    await found.release();
    throw error;
  }
}

interface Found {
  readonly path: string;
  readonly place: string;
  release(): Promise<void>;
}

function localFile(path: string): Found {
  return { path, place: path, release: async () => {} };
}

/** Clients of S3 and HTTP are loaded only where they are needed. */
async function fetchCopy({ file, headers }: RowsFrom): Promise<Found> {
  const { FetchedFolder } = await import("./fetched-folder.ts");
  const folder = await FetchedFolder.make();
  try {
    // Its own name, so that an ending .gz is held to what it says.
    const path = folder.path(URL.parse(file)?.pathname ?? file);
    const object = parseS3Url(file);
    const place =
      object === undefined
        ? await (await import("./fetch-url.ts")).fetchUrl(file, headers, path)
        : await (await import("./fetch-object.ts")).fetchObjectFrom(object, path);
    return { path, place, release: () => folder.remove() };
  } catch (error) {
    await folder.remove();
    throw error;
  }
}

function adviceFor({ file, encoding }: RowsFrom): string {
  return encoding === "utf-8"
    ? `rows are UTF-8 unless from names their encoding: from: { file: ${isRemote(file) ? "…" : file}, encoding: shift_jis } (or latin1, windows-1252, utf-16le, euc-jp …)`
    : `from says that it is ${encoding}; name the encoding that it has`;
}
