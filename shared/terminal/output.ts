import { once } from "node:events";
import type { Writable } from "node:stream";
import type { ColorStream } from "./color.ts";

/** Where a command writes: `process.stdout`, or anything that behaves like it. */
export type Output = Writable & ColorStream & { readonly columns?: number };

/** Characters gathered before they are written: a system call a line would cost more than the line. */
const BATCH_LENGTH = 64 * 1024;

/** Writes, and waits until the reader has caught up, so that memory does not grow with what is written. */
export async function writeText(output: Output, text: string): Promise<void> {
  if (!output.write(text)) await once(output, "drain");
}

/** Writes each line with a line feed after it, reading on only as fast as the output takes them. */
export async function writeLines(
  output: Output,
  lines: AsyncIterable<string> | Iterable<string>,
): Promise<void> {
  let batch = "";
  for await (const line of lines) {
    batch += `${line}\n`;
    if (batch.length < BATCH_LENGTH) continue;
    await writeText(output, batch);
    batch = "";
  }
  if (batch !== "") await writeText(output, batch);
}
