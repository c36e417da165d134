import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Fault } from "../../shared/document/fault.ts";
import { SenpuError, messageOf } from "../../shared/errors.ts";

/** Bytes read at a time: enough that a promise a read costs nothing, little enough to stay flat. */
export const READ_BYTES = 131_072;

/** Throws a {@link Fault} that says why the path is no file to read. */
export async function checkFile(path: string): Promise<{ bytes: number }> {
  let status: Awaited<ReturnType<typeof stat>>;
  try {
    status = await stat(path);
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw new Fault(missing ? `there is no file ${path}` : messageOf(cause), { cause });
  }
  if (status.isDirectory()) throw new Fault(`${path} is a folder`);
  if (status.isFile() && status.size === 0) throw new Fault("the file is empty");
  return { bytes: status.size };
}

/** SHA-256 of the file's bytes, hex, streamed; throws a {@link Fault} for what is not UTF-8 text. */
export async function digestText(path: string): Promise<string> {
  const digest = createHash("sha256");
  const check = createTextCheck();
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES })) {
      digest.update(chunk as Buffer);
      check.add(chunk as Buffer);
    }
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new SenpuError("plan", messageOf(cause), { cause });
  }
  check.end();
  return digest.digest("hex");
}

/** Throws a {@link Fault} as soon as bytes are no UTF-8 text. */
export function createTextCheck(): { add(chunk: Buffer): void; end(): void } {
  let tail: Buffer = Buffer.alloc(0);
  let checkedBytes = 0;
  return {
    add(chunk) {
      const zero = chunk.indexOf(0);
      if (zero !== -1) throw notText(`byte ${checkedBytes + tail.length + zero + 1} is NUL`);
      const bytes = tail.length === 0 ? chunk : Buffer.concat([tail, chunk]);
      const whole = bytes.length - openBytes(bytes);
      if (!isUtf8(bytes.subarray(0, whole))) {
        throw notText(
          `there are other bytes than UTF-8 between ${checkedBytes + 1} and ${checkedBytes + whole}`,
        );
      }
      checkedBytes += whole;
      tail = Buffer.from(bytes.subarray(whole));
    },
    end() {
      if (tail.length > 0) throw notText("its last character is cut off");
    },
  };
}

function notText(what: string): Fault {
  return new Fault(`the file is not text: ${what}; plans and rows are UTF-8`);
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
