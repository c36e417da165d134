import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { SenpuError, messageOf } from "../errors.ts";
import { syncFolder } from "../sync-folder.ts";
import { checkRun, checkSegment } from "./answer-store.ts";
import type { AnswerStore, SegmentFile } from "./answer-store.ts";

/**
 * Answers in a folder: `<root>/<run>/<segment>`, made when first needed. A segment has its name only once it is whole
 * and on the disk; what a death while writing leaves is a `.partial` that nobody reads, and goes with its run.
 */
export function openFolderAnswers(root: string): AnswerStore {
  return new FolderAnswers(root);
}

class FolderAnswers implements AnswerStore {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async write(run: string, parts: readonly Uint8Array[]): Promise<string> {
    const { path, name } = await this.#name(run);
    return this.#reach(async () => {
      try {
        const file = await open(path, "wx", 0o600);
        try {
          for (const part of parts) await file.writeFile(part);
          await file.sync();
        } finally {
          await file.close();
        }
        return await this.#settle(run, path, name);
      } catch (error) {
        await rm(path, { force: true });
        throw error;
      }
    });
  }

  async begin(run: string): Promise<SegmentFile> {
    const { path, name } = await this.#name(run);
    return {
      path,
      keep: () =>
        this.#reach(async () => {
          const file = await open(path, "r+");
          try {
            await file.sync();
          } finally {
            await file.close();
          }
          return this.#settle(run, path, name);
        }),
      discard: () => rm(path, { force: true }),
    };
  }

  async load(run: string, segment: string): Promise<Buffer> {
    checkRun(run);
    checkSegment(segment);
    return this.#reach(() => readFile(join(this.#root, run, segment)));
  }

  read(run: string, segment: string, at: number, bytes: number): Readable {
    checkRun(run);
    return Readable.from(this.#read(run, segment, at, bytes), { objectMode: false });
  }

  async *#read(run: string, segment: string, at: number, bytes: number): AsyncGenerator<Buffer> {
    checkSegment(segment);
    const path = join(this.#root, run, segment);
    let found = 0;
    try {
      if (bytes > 0) {
        for await (const chunk of createReadStream(path, { start: at, end: at + bytes - 1 })) {
          found += (chunk as Buffer).length;
          yield chunk as Buffer;
        }
      }
    } catch (cause) {
      throw new SenpuError("answers", `a saved answer cannot be read: ${messageOf(cause)}`, {
        cause,
      });
    }
    if (found === bytes) return;
    throw new SenpuError(
      "answers",
      `a saved answer is damaged: ${path} has ${found} of its ${bytes} bytes at ${at}`,
    );
  }

  async removeRun(run: string): Promise<void> {
    checkRun(run);
    await this.#reach(() => rm(join(this.#root, run), { recursive: true, force: true }));
  }

  async close(): Promise<void> {}

  async #name(run: string): Promise<{ path: string; name: string }> {
    checkRun(run);
    const name = newSegmentName();
    const folder = join(this.#root, run);
    await this.#reach(() => mkdir(folder, { recursive: true, mode: 0o700 }));
    return { path: join(folder, `${name}.${process.pid}.partial`), name };
  }

  /** The name, and the folder's own, survive a loss of power. */
  async #settle(run: string, partial: string, name: string): Promise<string> {
    const folder = join(this.#root, run);
    await rename(partial, join(folder, name));
    await syncFolder(folder);
    await syncFolder(this.#root);
    return name;
  }

  async #reach<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (cause instanceof SenpuError) throw cause;
      throw new SenpuError(
        "answers",
        `${this.#root}: answers cannot be saved there (${messageOf(cause)})`,
        { cause },
      );
    }
  }
}

export function newSegmentName(): string {
  return `${Date.now().toString(36)}-${randomBytes(8).toString("hex")}`;
}
