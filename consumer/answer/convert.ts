import { AnswerFault } from "./answer-fault.ts";
import { decoderOf } from "./media-type.ts";
import type { MediaType } from "./media-type.ts";

/** Bytes of a body, as they arrive, into the form in which they are saved. */
export interface Converter {
  add(chunk: Buffer): Uint8Array;
  end(): Uint8Array;
}

const NOTHING = new Uint8Array();

export const AS_IT_IS: Converter = { add: (chunk) => chunk, end: () => NOTHING };

/** Into what stands between the quotes of a JSON text. Throws {@link AnswerFault} for what is not in its charset. */
export function toJsonText(media: MediaType): Converter {
  const decoder = decoderOf(media);
  const convert = (chunk: Buffer | undefined): Uint8Array => {
    let text: string;
    try {
      text = decoder.decode(chunk, { stream: chunk !== undefined });
    } catch {
      throw new AnswerFault(`its body is not ${media.charset ?? "utf-8"}, as its type says`);
    }
    return Buffer.from(JSON.stringify(text).slice(1, -1));
  };
  return { add: convert, end: () => convert(undefined) };
}

/** Three bytes are four characters: what is left over waits for the next. */
export function toBase64(): Converter {
  let rest: Buffer = Buffer.alloc(0);
  return {
    add: (chunk) => {
      const all = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const whole = all.length - (all.length % 3);
      rest = Buffer.from(all.subarray(whole));
      return Buffer.from(all.toString("base64", 0, whole));
    },
    end: () => Buffer.from(rest.toString("base64")),
  };
}
