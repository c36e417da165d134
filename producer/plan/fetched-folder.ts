import { rmSync } from "node:fs";
import { mkdtemp, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import { Fault } from "../../shared/document/fault.ts";

/** Left of the disk for whatever else needs some. */
const RESERVE_BYTES = 10_000_000;
const NAME_CHARS = 100;

/** A folder for what is fetched, in the temporary folder; goes when it is removed, or with this process. */
export class FetchedFolder {
  readonly #root: string;
  readonly #removeNow = (): void => rmSync(this.#root, { recursive: true, force: true });

  private constructor(root: string) {
    this.#root = root;
    process.once("exit", this.#removeNow);
  }

  static async make(): Promise<FetchedFolder> {
    return new FetchedFolder(await mkdtemp(join(tmpdir(), "senpu-rows-")));
  }

  /** For a file of that name, whatever it holds. */
  path(name: string): string {
    return join(this.#root, fileName(name));
  }

  async remove(): Promise<void> {
    process.off("exit", this.#removeNow);
    await rm(this.#root, { recursive: true, force: true });
  }
}

/** A plain file name for a key or a URL's path: its ending tells the format, and it may become a plan's name. */
export function fileName(key: string): string {
  const name = posix
    .basename(key)
    .replaceAll(/[^A-Za-z0-9._-]/g, "_")
    .slice(-NAME_CHARS);
  return /^\.*$/.test(name) ? "plan" : name;
}

/** Throws a {@link Fault} when so many bytes do not fit into the temporary folder. */
export async function checkRoom(bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(tmpdir());
  const room = bavail * bsize - RESERVE_BYTES;
  if (bytes <= room) return;
  throw new Fault(
    `it has ${bytes} bytes, and ${tmpdir()} has room for ${Math.max(0, room)}: make room there (a function takes up to 10,240 MB of ephemeral storage), or split it`,
  );
}
