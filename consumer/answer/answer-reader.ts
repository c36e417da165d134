import type { Dispatcher } from "undici";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { SegmentFile } from "../../shared/answers/answer-store.ts";
import { SenpuError, messageOf } from "../../shared/errors.ts";
import type { Answer, SavedPlace } from "../../shared/model/answer.ts";
import type { Outcome } from "../../shared/model/outcome.ts";
import { formatBytes } from "../../shared/terminal/format.ts";
import { AnswerFault } from "./answer-fault.ts";
import { decodersOf } from "./decode-body.ts";
import { keepBody, keepHeaders } from "./kept-answer.ts";
import type { AnswerHeaders } from "./kept-answer.ts";
import { parseMediaType } from "./media-type.ts";
import type { MediaType } from "./media-type.ts";
import type { AnswerUse } from "./answer-use.ts";
import { Spill } from "./spill.ts";

/** A body up to this lives in memory as a whole; a longer one goes to a file, unless it is to be looked into. */
const SMALL_BYTES = 64 * 1024;
/** A body that is looked into lives in memory, and is no longer than this. */
const MAX_LOOKED_BYTES = 8 * 1024 * 1024;

/** What an answer came to. */
export interface ReadAnswer {
  readonly answer?: Answer;
  /** Its saved form, still to be brought where it lasts. */
  readonly staged?: StagedAnswer;
  /** Why it does not count as a success, though its status does. */
  readonly fault?: string;
}

export interface StagedAnswer {
  readonly bytes: Uint8Array;
  /** As in {@link SavedPlace}. */
  readonly type?: string;
}

/**
 * Reads one answer as its policy asks.
 *
 * In: headers, then chunks as they arrive, held up where what comes after is slower. Out: what is kept, and where its
 * saved form lies or what it is. States: waiting → reading (from `begin`; from the first byte on, through the decoders)
 * → finished or aborted. A body is in memory as a whole only where it is small or is looked into.
 */
export class AnswerReader {
  /** Its answer cannot be saved: whoever works cannot go on. */
  readonly onLost: (error: unknown) => void;
  readonly #use: AnswerUse;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #headers: AnswerHeaders = {};
  #media: MediaType = parseMediaType("");
  #isSuccess = false;
  #source: Readable | undefined;
  #reading: Promise<void> | undefined;
  #taking: Promise<void> | undefined;
  #failure: unknown;
  /** Nothing more of the body is wanted. */
  #isEnough = false;
  #parts: Buffer[] = [];
  #bytes = 0;
  #spill: Spill | undefined;
  #beginning: Buffer | undefined;

  constructor(use: AnswerUse, onLost: (error: unknown) => void) {
    this.#use = use;
    this.onLost = onLost;
  }

  /** The body is of no use, whatever is still to come. */
  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  begin(controller: Dispatcher.DispatchController, status: number, headers: AnswerHeaders): void {
    this.#controller = controller;
    this.#status = status;
    this.#headers = headers;
    this.#media = parseMediaType(String(headers["content-type"] ?? ""));
    this.#isSuccess = this.#use.isSuccess(status);
    this.#isEnough = !this.#wantsBody;
  }

  add(chunk: Buffer): void {
    if (this.#isEnough) return;
    this.#source ??= this.#open();
    if (!this.#source.push(chunk)) this.#controller?.pause();
  }

  abort(): void {
    this.#isEnough = true;
    this.#source?.destroy();
    void this.#letGo();
  }

  /**
   * Resolves once what is saved of it lasts, or needs only to be written with others. Throws SenpuError `answers` where
   * it cannot be saved.
   */
  async finish(): Promise<ReadAnswer> {
    try {
      this.#source?.push(null);
      await this.#reading;
      if (this.#failure !== undefined) throw this.#failure;
      return await this.#conclude();
    } catch (error) {
      const isInMemory = this.#spill === undefined;
      await this.#letGo();
      if (!(error instanceof AnswerFault)) throw error;
      const answer = this.#keep(isInMemory ? Buffer.concat(this.#parts) : undefined);
      return { fault: error.message, ...(answer === undefined ? {} : { answer }) };
    } finally {
      this.#parts = [];
    }
  }

  get #wantsBody(): boolean {
    const { save, expectations, keep } = this.#use;
    return (
      (keep?.bodyBytes ?? 0) > 0 || (this.#isSuccess && (save !== undefined || expectations > 0))
    );
  }

  /** A success that is looked into, or becomes part of a line as JSON. */
  get #isLookedInto(): boolean {
    return this.#isSuccess && (this.#use.looks || (this.#use.embedsJson && this.#media.isJson));
  }

  #open(): Readable {
    const source = new Readable({ read: () => this.#controller?.resume() });
    // Its end is heard of by `#reading`.
    source.on("error", () => {});
    this.#reading = this.#read(source).catch((error: unknown) => {
      if (this.#isEnough) return;
      this.#failure = this.#explain(error);
      this.#isEnough = true;
      // Whatever is still to come is not worth waiting for.
      this.#controller?.abort(new Error("the rest of the answer is not wanted"));
    });
    return source;
  }

  async #read(source: Readable): Promise<void> {
    const decoders = decodersOf(String(this.#headers["content-encoding"] ?? ""));
    const consume = async (stream: AsyncIterable<Buffer>): Promise<void> => {
      for await (const chunk of stream) {
        this.#taking = this.#take(chunk);
        await this.#taking;
        if (this.#isEnough) break;
      }
    };
    // Typed for streams alone, and made for functions too.
    await pipeline([source, ...decoders, consume as unknown as NodeJS.WritableStream]);
  }

  async #take(chunk: Buffer): Promise<void> {
    this.#bytes += chunk.length;
    const { save, keep } = this.#use;
    if (this.#isSuccess && save !== undefined && this.#bytes > save.maxBodyBytes) {
      throw new AnswerFault(
        `its body is larger than ${formatBytes(save.maxBodyBytes)}, the limit of save`,
      );
    }
    if (this.#spill !== undefined) {
      await this.#spill.add(chunk);
      return;
    }
    this.#parts.push(chunk);
    if (this.#isLookedInto) {
      if (this.#bytes <= MAX_LOOKED_BYTES) return;
      if (this.#use.looks) {
        throw new AnswerFault(
          `its body is larger than ${formatBytes(MAX_LOOKED_BYTES)}, which is the most that can be looked into`,
        );
      }
    } else if (this.#bytes <= SMALL_BYTES) return;
    if (this.#isSuccess && save !== undefined) await this.#spillOver();
    else if (this.#bytes > (keep?.bodyBytes ?? 0)) {
      // What comes now is received, so that the connection serves again, and not even decoded.
      this.#isEnough = true;
      this.#controller?.resume();
    }
  }

  async #spillOver(): Promise<void> {
    const body = Buffer.concat(this.#parts);
    this.#beginning = body.subarray(0, this.#use.keep?.bodyBytes ?? 0);
    this.#parts = [];
    const { head, tail, convert } = this.#use.stream(this.#facts(), this.#media);
    const file: SegmentFile = await this.#use.sink.begin(this.#facts(), this.#media.type);
    this.#spill = new Spill(file, convert, tail);
    await this.#spill.open(head);
    await this.#spill.add(body);
  }

  async #conclude(): Promise<ReadAnswer> {
    const body = this.#spill === undefined ? Buffer.concat(this.#parts) : undefined;
    if (!this.#isSuccess) {
      const answer = this.#keep(body);
      return answer === undefined ? {} : { answer };
    }
    const whole = body ?? Buffer.alloc(0);
    const found = this.#spill === undefined ? await this.#use.look(whole, this.#media) : undefined;
    const { save, sink } = this.#use;
    let saved: SavedPlace | undefined;
    let staged: StagedAnswer | undefined;
    if (save !== undefined && this.#spill !== undefined) {
      saved = await this.#spill.keep(sink, this.#media.type);
    } else if (save !== undefined) {
      const bytes = this.#use.render(this.#facts(), this.#media, whole, found);
      const type = save.format === "files" ? { type: this.#media.type } : {};
      if (sink.isShared && bytes.length <= SMALL_BYTES * 4) staged = { bytes, ...type };
      else saved = await sink.write(this.#facts(), bytes, this.#media.type);
    }
    const answer = this.#keep(body, saved);
    return {
      ...(answer === undefined ? {} : { answer }),
      ...(staged === undefined ? {} : { staged }),
    };
  }

  #facts(): AnswerFacts {
    return { status: this.#status, headers: this.#headers, bytes: this.#bytes };
  }

  #keep(body: Buffer | undefined, saved?: SavedPlace): Answer | undefined {
    const { keep } = this.#use;
    if (keep === undefined && saved === undefined) return undefined;
    const isWhole = !this.#isEnough && this.#failure === undefined;
    const known = body ?? this.#beginning;
    return {
      ...(keep === undefined ? {} : { headers: keepHeaders(this.#headers) }),
      ...(keep === undefined || keep.bodyBytes === 0 || known === undefined
        ? {}
        : keepBody(known, keep.bodyBytes, this.#media, isWhole && body !== undefined)),
      ...(isWhole && this.#wantsBody ? { bytes: this.#bytes } : {}),
      ...(saved === undefined ? {} : { saved }),
    };
  }

  async #letGo(): Promise<void> {
    await this.#reading?.catch(() => {});
    // It may go on for a moment after the stream around it has ended.
    await this.#taking?.catch(() => {});
    await this.#spill?.discard();
    this.#spill = undefined;
  }

  #explain(error: unknown): unknown {
    if (error instanceof AnswerFault || error instanceof SenpuError) return error;
    const { code } = error as NodeJS.ErrnoException;
    const encoding = String(this.#headers["content-encoding"] ?? "");
    if (code !== undefined && /^(?:Z_|ERR_|ZSTD_)/.test(code)) {
      return new AnswerFault(
        `its body is not whole ${encoding.slice(0, 40)} (${messageOf(error)})`,
      );
    }
    return new SenpuError("answers", `an answer cannot be saved: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** What a line or a name may be made of, beside the call. */
export interface AnswerFacts {
  readonly status: number;
  readonly headers: AnswerHeaders;
  /** Of the body, decoded, as far as they are known. */
  readonly bytes: number;
}

export function withAnswer(outcome: Outcome, { answer }: ReadAnswer): Outcome {
  return answer === undefined ? outcome : { ...outcome, answer };
}
