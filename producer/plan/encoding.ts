import { isUtf8 } from "node:buffer";
import { Fault } from "../../shared/document/fault.ts";
import { countBreaks } from "./unpack.ts";

/**
 * What rows may be written in beside UTF-8, by the names of the WHATWG Encoding Standard that people know. Each tells a
 * line feed from any other byte without knowing what came before, which the stateful ISO-2022-JP does not.
 */
export const ENCODINGS = [
  "utf-8",
  "utf-16le",
  "utf-16be",
  "latin1",
  "windows-1250",
  "windows-1251",
  "windows-1252",
  "iso-8859-2",
  "iso-8859-15",
  "koi8-r",
  "shift_jis",
  "euc-jp",
  "euc-kr",
  "gb18030",
  "big5",
] as const;

export type Encoding = (typeof ENCODINGS)[number];

/** How closely a place in other encodings than UTF-8 is told. */
const PIECE_BYTES = 4_096;

export interface TextCheck {
  /** Throws a {@link Fault} as soon as bytes are no text. */
  add(chunk: Buffer): void;
  /** Throws a {@link Fault} for a character that is cut off. */
  end(): void;
}

/** `advice` is what is said behind what is wrong. */
export function createTextCheck(encoding: Encoding, advice: string): TextCheck {
  return encoding === "utf-8" ? checkUtf8(advice) : checkOther(encoding, advice);
}

function checkUtf8(advice: string): TextCheck {
  let tail: Buffer = Buffer.alloc(0);
  let checkedBytes = 0;
  let lines = 1;
  return {
    add(chunk) {
      const bytes = tail.length === 0 ? chunk : Buffer.concat([tail, chunk]);
      if (checkedBytes === 0) refuseUtf16(bytes);
      const whole = bytes.length - openBytes(bytes);
      const zero = bytes.indexOf(0);
      if (zero !== -1) throw notText(`byte ${checkedBytes + zero + 1} is NUL`, advice);
      const checked = bytes.subarray(0, whole);
      if (!isUtf8(checked)) {
        const at = firstWrong(checked);
        const line = lines + countBreaks(checked.subarray(0, at));
        const shown = checked[at]!.toString(16).padStart(2, "0");
        throw notText(
          `byte ${checkedBytes + at + 1}, in line ${line}, is 0x${shown}, and not UTF-8`,
          advice,
        );
      }
      checkedBytes += whole;
      lines += countBreaks(checked);
      tail = Buffer.from(bytes.subarray(whole));
    },
    end() {
      if (tail.length > 0) throw notText("its last character is cut off", advice);
    },
  };
}

function checkOther(encoding: Encoding, advice: string): TextCheck {
  const decoder = createDecoder(encoding);
  let checkedBytes = 0;
  let lines = 1;
  const read = (bytes: Buffer, stream: boolean): void => {
    let text: string;
    try {
      text = decoder.decode(bytes, { stream });
    } catch {
      const place = `between bytes ${checkedBytes + 1} and ${checkedBytes + bytes.length}, from line ${lines} on`;
      throw notText(`something ${place}, is not ${encoding}`, advice);
    }
    if (text.includes("\0")) throw notText(`a NUL stands behind line ${lines}`, advice);
    checkedBytes += bytes.length;
    for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) lines++;
  };
  return {
    add(chunk) {
      for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
        read(chunk.subarray(at, at + PIECE_BYTES), true);
      }
    },
    end() {
      read(Buffer.alloc(0), false);
    },
  };
}

/** The same text in UTF-8, without a byte order mark. */
export async function* toUtf8(
  chunks: AsyncIterable<Buffer>,
  encoding: Encoding,
): AsyncGenerator<Buffer> {
  const decoder = createDecoder(encoding);
  const decode = (chunk: Buffer, stream: boolean): Buffer => {
    try {
      return Buffer.from(decoder.decode(chunk, { stream }));
    } catch (cause) {
      throw new Fault(`the file is not ${encoding} any more`, { cause });
    }
  };
  for await (const chunk of chunks) yield decode(chunk, true);
  yield decode(Buffer.alloc(0), false);
}

function createDecoder(encoding: Encoding) {
  return new TextDecoder(encoding, { fatal: true });
}

/** UTF-16 has a mark of its own, which says more than that its zeros are no UTF-8. */
function refuseUtf16(bytes: Buffer): void {
  const [first, second] = bytes;
  const encoding =
    first === 0xff && second === 0xfe
      ? "utf-16le"
      : first === 0xfe && second === 0xff
        ? "utf-16be"
        : undefined;
  if (encoding === undefined) return;
  throw new Fault(
    `the file is not UTF-8: it begins with the mark of ${encoding}; rows may be that, with encoding: ${encoding} beside their file under from`,
  );
}

function notText(what: string, advice: string): Fault {
  return new Fault(`the file is not text: ${what}; ${advice}`);
}

/** Bytes at the end that begin a character which goes on in the next chunk. RFC 3629. */
function openBytes(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return length > back ? back : 0;
    }
  }
  return 0;
}

/** Where the first character begins that is none. `bytes` are not UTF-8. */
function firstWrong(bytes: Buffer): number {
  let right = 0;
  let wrong = bytes.length;
  while (wrong - right > 1) {
    const middle = (right + wrong) >> 1;
    const part = bytes.subarray(0, middle);
    if (isUtf8(part.subarray(0, middle - openBytes(part)))) right = middle;
    else wrong = middle;
  }
  return right - openBytes(bytes.subarray(0, right));
}
