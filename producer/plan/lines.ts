import { StringDecoder } from "node:string_decoder";
import { type TextFile, readText } from "./text-file.ts";

export interface Line {
  /** From 1, blank lines counted. */
  readonly number: number;
  /** Without the line break; cut to nothing when it is longer than {@link MAX_LINE_CHARACTERS}. */
  readonly text: string;
  readonly tooLong: boolean;
}

/** More than any message can carry; what is longer is not kept in memory. */
const MAX_LINE_CHARACTERS = 1_000_000;

/** The lines that are not blank, in batches of one read, a byte order mark left out. */
export async function* readLines(file: TextFile): AsyncGenerator<readonly Line[]> {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  let tooLong = false;
  let number = 0;
  let lines: Line[] = [];
  const add = (text: string): void => {
    number++;
    const line = number === 1 && text.startsWith("\ufeff") ? text.slice(1) : text;
    if (tooLong || line.length > MAX_LINE_CHARACTERS) {
      lines.push({ number, text: "", tooLong: true });
    } else if (line.trim() !== "") {
      lines.push({ number, text: line.trim(), tooLong: false });
    }
    tooLong = false;
  };
  for await (const chunk of readText(file)) {
    const pieces = (rest + decoder.write(chunk)).split("\n");
    rest = pieces.pop()!;
    for (const piece of pieces) add(piece);
    if (rest.length > MAX_LINE_CHARACTERS) {
      tooLong = true;
      rest = "";
    }
    if (lines.length > 0) yield lines;
    lines = [];
  }
  if (rest !== "" || tooLong) add(rest);
  if (lines.length > 0) yield lines;
}

export function lineTooLong(): string {
  return `longer than ${MAX_LINE_CHARACTERS} characters`;
}
