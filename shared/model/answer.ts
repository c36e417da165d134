import { SenpuError } from "../errors.ts";

/** What was kept of a call's answer. Stands in its outcome, and in the ledger as JSON. */
export interface Answer {
  /** Names in lower case. What servers give for later requests only (`set-cookie`) is withheld. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Decoded, as text where it is text; as far as it was kept. */
  readonly body?: string;
  /** `body` is base64: the answer is no text. */
  readonly encoding?: "base64";
  /** `body` is the beginning only. */
  readonly truncated?: true;
  /** Bytes of the whole body, decoded; absent where it was not read to its end. */
  readonly bytes?: number;
  readonly saved?: SavedPlace;
}

/** Where the saved form of an answer lies: a part of a segment in the answer store, or an object of its own. */
export type SavedPlace =
  | {
      readonly segment: string;
      /** Bytes before it in the segment. */
      readonly at: number;
      readonly bytes: number;
      /** The body's media type, of one that becomes a file of its own. */
      readonly type?: string;
    }
  | { readonly object: string; readonly bytes: number };

/** As a segment may be named: part of a path, in a message that may come from anybody. */
const SEGMENT = /^[a-z0-9][a-z0-9-]{0,79}$/;

export function isSegment(name: unknown): name is string {
  return typeof name === "string" && SEGMENT.test(name);
}

/** The answer of an outcome that may come from anybody. Throws {@link SenpuError} `message`. */
export function readAnswer(value: unknown): Answer {
  if (typeof value !== "object" || value === null) throw wrong("an object", value);
  const { headers, body, encoding, truncated, bytes, saved } = value as Record<string, unknown>;
  if (headers !== undefined && !isTextRecord(headers)) throw wrong("headers of text", headers);
  if (body !== undefined && typeof body !== "string") throw wrong("a body of text", body);
  if (bytes !== undefined && !isCount(bytes)) throw wrong("a number of bytes", bytes);
  return {
    ...(headers !== undefined && { headers }),
    ...(body !== undefined && { body }),
    ...(encoding === "base64" && { encoding }),
    ...(truncated === true && { truncated }),
    ...(bytes !== undefined && { bytes }),
    ...(saved !== undefined && { saved: readPlace(saved) }),
  };
}

function readPlace(value: unknown): SavedPlace {
  const { segment, at, bytes, type, object } = (value ?? {}) as Record<string, unknown>;
  if (!isCount(bytes)) throw wrong("a place with bytes", value);
  if (typeof object === "string") return { object, bytes };
  if (!isSegment(segment) || !isCount(at)) throw wrong("a place in a segment", value);
  return { segment, at, bytes, ...(typeof type === "string" && { type }) };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isTextRecord(value: unknown): value is Record<string, string> {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.values(value).every((one) => typeof one === "string")
  );
}

function wrong(right: string, found: unknown): SenpuError {
  const shown = (JSON.stringify(found) ?? "nothing").slice(0, 80);
  return new SenpuError("message", `outcome.answer should be ${right}, and is ${shown}`);
}
