import { createInterface } from "node:readline/promises";

/** Can a person be asked? */
export function canAsk(): boolean {
  // Undefined where it is none.
  return process.stdin.isTTY && process.stderr.isTTY;
}

/** Asks on the terminal; anything but yes is no, and so is Ctrl-C, which a terminal that is asked hands over as a key. */
export async function ask(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const gone = new AbortController();
  for (const event of ["SIGINT", "close"] as const) terminal.once(event, () => gone.abort());
  try {
    const answer = await terminal.question(`${question} (y/N) `, { signal: gone.signal });
    return /^y(es)?$/i.test(answer.trim());
  } catch (error) {
    if (!gone.signal.aborted) throw error;
    process.stderr.write("\n");
    return false;
  } finally {
    terminal.close();
  }
}
