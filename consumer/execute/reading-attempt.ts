import type { Dispatcher } from "undici";
import type { AnswerReader } from "../answer/answer-reader.ts";
import { Attempt } from "./attempt.ts";

/**
 * An attempt whose answer is read, and not only counted.
 *
 * After the last byte it is not over yet: what the body holds is looked into, and what is saved of it is brought where it
 * lasts. Time that this takes is not the call's. Where nothing can be saved, the attempt is cut, as if its worker ended.
 */
export class ReadingAttempt extends Attempt {
  readonly #reader: AnswerReader;

  constructor(
    origin: string,
    startedAt: number,
    expiresAt: number,
    onOver: (attempt: Attempt) => void,
    reader: AnswerReader,
  ) {
    super(origin, startedAt, expiresAt, onOver);
    this.#reader = reader;
  }

  override expire(when?: string): void {
    if (this.lastByteAt !== 0) return;
    this.#reader.abort();
    super.expire(when);
  }

  override onResponseStart(
    controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    super.onResponseStart(controller, statusCode, headers);
    if (statusCode >= 200 && this.end === null) this.#reader.begin(controller, statusCode, headers);
  }

  override onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#reader.add(chunk);
  }

  override onResponseEnd(): void {
    if (this.end !== null || this.lastByteAt !== 0) return;
    this.lastByteAt = performance.now();
    void this.#conclude();
  }

  override onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    if (this.end !== null || this.lastByteAt !== 0) return;
    // The reader itself has had enough of it.
    if (this.#reader.hasFailed) {
      this.onResponseEnd();
      return;
    }
    this.#reader.abort();
    super.onResponseError(controller, error);
  }

  async #conclude(): Promise<void> {
    try {
      this.kept = await this.#reader.finish();
      this.isUnmet = this.kept.fault !== undefined;
      this.error = this.kept.fault;
      // It was whole before its worker gave up.
      this.isCut = false;
      super.onResponseEnd();
    } catch (error) {
      this.#reader.onLost(error);
      this.isCut = true;
      super.expire("that could be saved");
    }
  }
}
