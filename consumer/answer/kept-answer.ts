import type { Answer } from "../../shared/model/answer.ts";
import type { MediaType } from "./media-type.ts";
import { decoderOf } from "./media-type.ts";

export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** All headers together; beyond, the rest is left out. */
const MAX_HEADER_CHARS = 8_192;
/** Of a kept body as JSON: an outcome must fit into a message (CHUNK_MAX_BYTES) with all else that it says. */
const MAX_JSON_BYTES = 200_000;

/** They let who has them act as whoever made the call. */
const WITHHELD: ReadonlySet<string> = new Set([
  "set-cookie",
  "authorization",
  "proxy-authorization",
  "authentication-info",
]);

/** Names in lower case; several of one name as one, by comma (RFC 9110, 5.3). */
export function keepHeaders(headers: AnswerHeaders): Readonly<Record<string, string>> {
  const kept: Record<string, string> = {};
  let left = MAX_HEADER_CHARS;
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    const lower = name.toLowerCase();
    const text = WITHHELD.has(lower) ? "(withheld)" : [value].flat().join(", ");
    left -= lower.length + text.length;
    if (left < 0) break;
    kept[lower] = text;
  }
  return kept;
}

/** The beginning of a body, as text where it is some. `isWhole`: `body` is all of it. */
export function keepBody(
  body: Buffer,
  maxBytes: number,
  media: MediaType,
  isWhole: boolean,
): Pick<Answer, "body" | "encoding" | "truncated"> {
  const cut = body.subarray(0, maxBytes);
  const isCut = !isWhole || cut.length < body.length;
  const text = beginningOf(cut, media, isCut);
  if (text === undefined) {
    return {
      body: cut.toString("base64"),
      encoding: "base64",
      ...(isCut ? { truncated: true as const } : {}),
    };
  }
  let shown = text;
  while (Buffer.byteLength(JSON.stringify(shown)) > MAX_JSON_BYTES) {
    shown = shown.slice(0, Math.floor(shown.length / 2)).toWellFormed();
  }
  const truncated = isCut || shown.length < text.length;
  return { body: shown, ...(truncated ? { truncated: true as const } : {}) };
}

/** Undefined: it is no text. A character that was cut in two is left out. */
function beginningOf(cut: Buffer, media: MediaType, isCut: boolean): string | undefined {
  if (!media.isText && media.type !== "") return undefined;
  try {
    return decoderOf(media).decode(cut, { stream: isCut });
  } catch {
    return undefined;
  }
}
