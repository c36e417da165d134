import { messageOf } from "../../shared/errors.ts";
import { compileExpectation, compileQuery } from "../../shared/json/json-query.ts";
import type { Expectation, Json } from "../../shared/json/json-query.ts";
import type { AnswerPolicy, SaveColumn } from "../../shared/model/answer-policy.ts";
import { AnswerFault } from "./answer-fault.ts";
import { textOf } from "./media-type.ts";
import type { MediaType } from "./media-type.ts";
import { parseBody } from "./parse-body.ts";

/** What was found by the paths of columns, in their order; undefined for a column that is no path. */
export type Looked = readonly (readonly Json[] | undefined)[];

/** A policy's questions to bodies, compiled once. Throws a Fault for one that no plan could hold. */
export class Look {
  readonly #expectations: readonly Expectation[];
  readonly #columns: readonly (((value: Json) => readonly Json[]) | undefined)[];

  constructor({ expect = [], save }: AnswerPolicy) {
    this.#expectations = expect.map(compileExpectation);
    this.#columns = (save?.columns ?? []).map(({ source }: SaveColumn) =>
      source.startsWith("$") ? compileQuery(source) : undefined,
    );
  }

  /** Throws {@link AnswerFault}. */
  into(body: Buffer, media: MediaType): Looked {
    const asks = this.#expectations.length > 0 || this.#columns.some((one) => one !== undefined);
    if (!asks) return this.#columns.map(() => undefined);
    const text = media.type === "" || media.isText ? textOf(media, body) : body.toString();
    const value = parseBody(text ?? "", media);
    for (const expectation of this.#expectations) {
      const found = ask(() => expectation.judge(value));
      if (found !== undefined) {
        throw new AnswerFault(`expected ${expectation.text}, found ${found}`);
      }
    }
    return this.#columns.map((query) => query && ask(() => query(value)));
  }
}

function ask<Found>(question: () => Found): Found {
  try {
    return question();
  } catch (error) {
    throw new AnswerFault(`its body cannot be looked into: ${messageOf(error).slice(0, 100)}`);
  }
}
