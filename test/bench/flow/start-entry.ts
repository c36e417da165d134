import { createInterface } from "node:readline";
import type { Child, Scratch } from "../scratch.ts";

export interface StartedEntry {
  readonly child: Child;
  /** What it writes on stdout, line by line. */
  readonly lines: {
    /** Rejects when the process has ended without a further one. */
    next(): Promise<string>;
  };
}

/** A process of the bench's own, under Node. */
export function startEntry(scratch: Scratch, args: readonly string[]): StartedEntry {
  const child = scratch.start(process.execPath, args);
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    child,
    lines: {
      next: async () => {
        const { done, value } = await lines.next();
        if (done === true) throw new Error(`node ${args.join(" ")} ended: ${said.trim()}`);
        return value;
      },
    },
  };
}
