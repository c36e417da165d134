import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, open, readFile, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { SenpuError, messageOf } from "../errors.ts";
import { syncFolder } from "../sync-folder.ts";
import { canName } from "../model/claim.ts";
import type { Claim } from "../model/claim.ts";
import { checkClaim, checkContent, checkRun, claimOf, lost } from "./claim-store.ts";
import type { ClaimStore } from "./claim-store.ts";

const KIND = "folder";
/** When runs were forgotten: a file each, of that age. No run's id begins with a dot. */
const FORGOTTEN = ".forgotten";

/**
 * Claims in a folder: `<root>/<run>/<SHA-256>`, made when first needed. What a death while writing leaves has another
 * name and is never read; it goes with its run.
 */
export function openFolderClaims(root: string): ClaimStore {
  return new FolderClaims(root);
}

class FolderClaims implements ClaimStore {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async put(run: string, bytes: Uint8Array): Promise<Claim> {
    const claim = claimOf(KIND, run, bytes);
    await this.#reach(async () => {
      if (await this.#has(claim)) return;
      const folder = join(this.#root, run);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeDurably(folder, claim.sha256, bytes);
      // The run's folder may be new itself.
      await syncFolder(this.#root);
    });
    return claim;
  }

  async get(claim: Claim): Promise<Buffer> {
    checkClaim(KIND, claim);
    const bytes = await this.#reach(() =>
      readFile(join(this.#root, claim.run, claim.sha256)).catch((cause: unknown) => {
        // Without the folder itself this is another machine, or another state folder.
        if (codeOf(cause) === "ENOENT" && existsSync(this.#root)) throw lost(claim, cause);
        throw cause;
      }),
    );
    return checkContent(claim, bytes);
  }

  async removeRun(run: string): Promise<void> {
    checkRun(run);
    await this.#reach(() => rm(join(this.#root, run), { recursive: true, force: true }));
  }

  async forget(runs: readonly string[], now: number): Promise<void> {
    const marks = join(this.#root, FORGOTTEN);
    const known = runs.filter((run) => canName(run) && existsSync(join(this.#root, run)));
    if (known.length === 0) return;
    await this.#reach(async () => {
      await mkdir(marks, { recursive: true, mode: 0o700 });
      for (const run of known) {
        await (await open(join(marks, run), "w")).close();
        await utimes(join(marks, run), now / 1_000, now / 1_000);
      }
    });
  }

  async prune(before: number, kept: ReadonlySet<string>): Promise<string[]> {
    const marks = join(this.#root, FORGOTTEN);
    if (!existsSync(marks)) return [];
    return this.#reach(async () => {
      const gone: string[] = [];
      for (const run of await readdir(marks)) {
        const mark = join(marks, run);
        if (!kept.has(run)) {
          if ((await stat(mark)).mtimeMs >= before) continue;
          await this.removeRun(run);
          gone.push(run);
        }
        // Last: a death before this removes once more what is gone.
        await rm(mark, { force: true });
      }
      return gone;
    });
  }

  async close(): Promise<void> {}

  /** A damaged one is written anew. */
  async #has(claim: Claim): Promise<boolean> {
    try {
      checkContent(claim, await readFile(join(this.#root, claim.run, claim.sha256)));
      return true;
    } catch {
      return false;
    }
  }

  async #reach<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (cause instanceof SenpuError) throw cause;
      throw new SenpuError(
        "claims",
        `${this.#root}: large calls cannot be kept or read there (${messageOf(cause)})`,
        { cause },
      );
    }
  }
}

async function writeDurably(folder: string, name: string, bytes: Uint8Array): Promise<void> {
  const path = join(folder, name);
  const partial = `${path}.${process.pid}-${randomBytes(4).toString("hex")}.partial`;
  try {
    const file = await open(partial, "wx", 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
    await syncFolder(folder);
  } finally {
    await rm(partial, { force: true });
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
