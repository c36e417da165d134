import { closeSync, mkdirSync, openSync, readSync, rmSync, truncateSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** Read back in pieces of this size. */
const READ_BYTES = 262_144;

/**
 * Chunk bodies of a lane whose window is full, on disk, so that reading goes on for the other lanes in constant memory.
 * A cache only: what is lost with the process is read from the source again on resume. First in, first out.
 */
export class SpillFile {
  readonly #path: string;
  #descriptor: number | undefined;
  #writtenBytes = 0;
  #readBytes = 0;
  #lines: string[] = [];
  #tail: Buffer = Buffer.alloc(0);

  constructor(path: string) {
    this.#path = path;
  }

  get isEmpty(): boolean {
    return this.#lines.length === 0 && this.#readBytes === this.#writtenBytes;
  }

  /** The body must be on one line, as encoded messages are. */
  append(body: string): void {
    this.#writtenBytes += writeSync(this.#open(), `${body}\n`, this.#writtenBytes);
  }

  /** The oldest body; undefined when empty. */
  shift(): string | undefined {
    while (this.#lines.length === 0 && this.#readBytes < this.#writtenBytes) this.#readMore();
    const line = this.#lines.shift();
    if (this.isEmpty && this.#writtenBytes > 0) this.#clear();
    return line;
  }

  close(): void {
    if (this.#descriptor === undefined) return;
    closeSync(this.#descriptor);
    rmSync(this.#path, { force: true });
    this.#descriptor = undefined;
  }

  #readMore(): void {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    const length = readSync(this.#open(), buffer, 0, READ_BYTES, this.#readBytes);
    this.#readBytes += length;
    const bytes = Buffer.concat([this.#tail, buffer.subarray(0, length)]);
    const end = bytes.lastIndexOf(0x0a);
    this.#tail = bytes.subarray(end + 1);
    if (end >= 0) this.#lines.push(...bytes.toString("utf8", 0, end).split("\n"));
  }

  #clear(): void {
    truncateSync(this.#path, 0);
    this.#writtenBytes = 0;
    this.#readBytes = 0;
  }

  #open(): number {
    if (this.#descriptor === undefined) {
      mkdirSync(dirname(this.#path), { recursive: true });
      this.#descriptor = openSync(this.#path, "w+");
    }
    return this.#descriptor;
  }
}
