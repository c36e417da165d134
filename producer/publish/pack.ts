import { CHUNK_MAX_BYTES } from "../../shared/limits.ts";
import type { Call } from "../../shared/model/call.ts";
import { MESSAGE_VERSION, encodeMessage, toWire } from "../../shared/model/message.ts";
import type { Policy } from "../../shared/model/policy.ts";

export interface ChunkFrame {
  readonly run: string;
  readonly generation: number;
  readonly lane: string;
  readonly policy: Policy;
}

/** A chunk as it is published. */
export interface PackedChunk {
  readonly lane: string;
  readonly body: string;
  /** UTF-8 bytes of the body. */
  readonly bytes: number;
  readonly calls: number;
}

/**
 * Packs one lane's calls into message bodies, in order, none beyond {@link CHUNK_MAX_BYTES}.
 * Each call is serialised once; the body is put together from the pieces.
 */
export class Packer {
  readonly #frame: ChunkFrame;
  readonly #nextName: () => string;
  #pieces: string[] = [];
  #bytes = 0;

  /** `nextName` gives each chunk a name of its own within run and generation. */
  constructor(frame: ChunkFrame, nextName: () => string) {
    this.#frame = frame;
    this.#nextName = nextName;
  }

  /**
   * Adds a call to the chunk under way. Returns the chunk that this filled: up to `maxCalls`, or because the call did
   * not fit any more. `"too large"`: no message can hold this call as it is; it was not added.
   */
  add(call: Call, maxCalls: number): PackedChunk | "too large" | undefined {
    const piece = toWire(JSON.stringify(call));
    const bytes = Buffer.byteLength(piece) + 1;
    const frameBytes = this.#frameBytes();
    if (frameBytes + bytes > CHUNK_MAX_BYTES) return "too large";
    let full: PackedChunk | undefined;
    if (frameBytes + this.#bytes + bytes > CHUNK_MAX_BYTES) full = this.take();
    this.#pieces.push(piece);
    this.#bytes += bytes;
    if (full === undefined && this.#pieces.length >= maxCalls) full = this.take();
    return full;
  }

  /** Can a message hold this call? */
  fits(call: Call): boolean {
    const bytes = Buffer.byteLength(toWire(JSON.stringify(call))) + 1;
    return this.#frameBytes() + bytes <= CHUNK_MAX_BYTES;
  }

  /** The chunk under way, if any call is in it. */
  take(): PackedChunk | undefined {
    const calls = this.#pieces.length;
    if (calls === 0) return undefined;
    const empty = this.#encodeFrame(this.#nextName());
    const body = `${empty.slice(0, -CLOSING.length)}${this.#pieces.join(",")}${CLOSING}`;
    this.#pieces = [];
    this.#bytes = 0;
    return { lane: this.#frame.lane, body, bytes: Buffer.byteLength(body), calls };
  }

  #encodeFrame(chunk: string): string {
    // `calls` is last, so that the pieces go in just before the end.
    return encodeMessage({ v: MESSAGE_VERSION, kind: "calls", ...this.#frame, chunk, calls: [] });
  }

  #knownFrameBytes: number | undefined;
  #frameBytes(): number {
    this.#knownFrameBytes ??= Buffer.byteLength(this.#encodeFrame("x".repeat(MAX_NAME_CHARS)));
    return this.#knownFrameBytes;
  }
}

const CLOSING = "]}";
const MAX_NAME_CHARS = 20;
