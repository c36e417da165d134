import type { SegmentFile } from "../../shared/answers/answer-store.ts";
import type { SavedPlace } from "../../shared/model/answer.ts";
import type { AnswerPolicy, KeepPolicy, SavePolicy } from "../../shared/model/answer-policy.ts";
import type { Call } from "../../shared/model/call.ts";
import type { Policy } from "../../shared/model/policy.ts";
import { isSuccess } from "../execute/judge.ts";
import { AnswerFault } from "./answer-fault.ts";
import type { AnswerFacts } from "./answer-reader.ts";
import { AS_IT_IS, toBase64, toJsonText } from "./convert.ts";
import type { Converter } from "./convert.ts";
import type { Look, Looked } from "./look.ts";
import { textOf } from "./media-type.ts";
import type { MediaType } from "./media-type.ts";
import { looksInto, parseBody } from "./parse-body.ts";
import { lineHead, renderLine, renderRow } from "./render.ts";

/** Where the saved form of a call's answer goes. Every method throws SenpuError `answers`. */
export interface AnswerSink {
  /** Small ones are written with others, later; else each by itself. */
  readonly isShared: boolean;
  write(facts: AnswerFacts, bytes: Uint8Array, type: string): Promise<SavedPlace>;
  /** A file for what is large. */
  begin(facts: AnswerFacts, type: string): Promise<SegmentFile>;
  /** What became of that file, by the name that keeping it gave. */
  place(name: string, bytes: number, type: string): SavedPlace;
}

/** What is to be done with the answers of one call. */
export class AnswerUse {
  readonly keep: KeepPolicy | undefined;
  readonly save: SavePolicy | undefined;
  readonly expectations: number;
  /** A success is held in memory and looked into, whatever its type. */
  readonly looks: boolean;
  /** A JSON body becomes part of a line, as JSON. */
  readonly embedsJson: boolean;
  readonly sink: AnswerSink;
  readonly #call: Call;
  readonly #policy: Pick<Policy, "success">;
  readonly #look: () => Promise<Look>;

  constructor(
    call: Call,
    policy: Pick<Policy, "success">,
    answers: AnswerPolicy,
    sink: AnswerSink,
    look: () => Promise<Look>,
  ) {
    const { keep, save, expect = [] } = answers;
    this.keep = keep;
    this.save = save;
    this.expectations = expect.length;
    this.looks = looksInto(answers);
    this.embedsJson = save?.format === "jsonl";
    this.sink = sink;
    this.#call = call;
    this.#policy = policy;
    this.#look = look;
  }

  isSuccess(status: number): boolean {
    return isSuccess(this.#policy, status);
  }

  /** Throws {@link AnswerFault} for a body that is not what was expected, or not what its type says. */
  async look(body: Buffer, media: MediaType): Promise<Looked | undefined> {
    if (!this.looks) {
      if (this.embedsJson && media.isJson && body.length > 0) parseBody(textOf(media, body) ?? "");
      return undefined;
    }
    return (await this.#look()).into(body, media);
  }

  /** A whole body in its saved form. */
  render(facts: AnswerFacts, media: MediaType, body: Buffer, looked?: Looked): Uint8Array {
    if (this.save?.format === "jsonl") {
      return renderLine(this.#call, facts, this.save, media, body);
    }
    if (this.save?.format !== "csv") return body;
    const bodyText = (): string => textOf(media, body) ?? body.toString("base64");
    return renderRow(this.#call, facts, this.save, looked, bodyText);
  }

  /** The same for a body that comes piece by piece. */
  stream(
    facts: AnswerFacts,
    media: MediaType,
  ): { readonly head: string; readonly tail: string; readonly convert: Converter } {
    if (this.save?.format === "csv") {
      throw new AnswerFault("its body is too large for a row");
    }
    if (this.save?.format !== "jsonl") return { head: "", tail: "", convert: AS_IT_IS };
    const head = lineHead(this.#call, facts, this.save);
    return media.isText
      ? { head: `${head},"text":"`, tail: '"}\n', convert: toJsonText(media) }
      : { head: `${head},"base64":"`, tail: '"}\n', convert: toBase64() };
  }
}
