import type { Duplex } from "node:stream";
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
} from "node:zlib";
import { AnswerFault } from "./answer-fault.ts";

/** More than one on top of the other is hardly ever meant. */
const MAX_CODINGS = 3;

const DECODERS: Readonly<Record<string, () => Duplex>> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
};

/** What undoes a Content-Encoding (RFC 9110, 8.4), in order. Throws {@link AnswerFault} for one that is not known. */
export function decodersOf(contentEncoding: string): Duplex[] {
  const codings = contentEncoding
    .toLowerCase()
    .split(",")
    .map((coding) => coding.trim())
    .filter((coding) => coding !== "" && coding !== "identity");
  if (codings.length > MAX_CODINGS) {
    throw new AnswerFault(`content-encoding names ${codings.length}; at most ${MAX_CODINGS}`);
  }
  return codings.toReversed().map((coding) => {
    const make = Object.hasOwn(DECODERS, coding) ? DECODERS[coding] : undefined;
    if (make !== undefined) return make();
    throw new AnswerFault(
      `content-encoding ${coding.slice(0, 40)} is not known; gzip, deflate, br and zstd are`,
    );
  });
}
