import { deploymentPrefix } from "../../shared/broker/open.ts";
import type { CommandContext } from "../../shared/command.ts";
import { formatCount } from "../../shared/terminal/format.ts";

/** Shorter reads leave no line. */
const FIRST_AFTER_MS = 1_000;
const EVERY_MS = 5_000;
const EVERY_TTY_MS = 200;

export interface Watch {
  readonly onRead: (read: number, expected: number) => void;
  /** Aborted by Ctrl-C and SIGTERM: what was received is handed back, and nothing more read. */
  readonly signal: AbortSignal;
}

/**
 * Reads letters (or `what` else) for somebody who watches: how far it is on stderr, and an end that hides no letter from
 * others, and leaves nothing half done.
 */
export async function reading<Found>(
  { common }: Pick<CommandContext, "common">,
  read: (watch: Watch) => Promise<Found>,
  what = "letters",
): Promise<Found> {
  const interrupt = new AbortController();
  const stop = (): void => interrupt.abort();
  process.on("SIGINT", stop).on("SIGTERM", stop);
  const line = new ReadingLine(process.stderr, common.quiet, what);
  try {
    const onRead = (done: number, expected: number): void => line.update(done, expected);
    return await read({ onRead, signal: interrupt.signal });
  } finally {
    line.end();
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}

/** Do letters lie on this machine's own broker, and not at an endpoint or in a deployment? */
export function worksHere({ endpointUrl, deployment }: CommandContext["common"]): boolean {
  if (endpointUrl !== undefined || deployment !== undefined) return false;
  return deploymentPrefix(undefined) === undefined;
}

/** `reading letters: 12,000 of about 100,000`, now and then; in place on a terminal. */
class ReadingLine {
  readonly #stream: NodeJS.WriteStream;
  readonly #everyMs: number;
  readonly #what: string;
  #writtenAt: number;
  #drawn = false;

  constructor(stream: NodeJS.WriteStream, quiet: boolean, what: string) {
    this.#stream = stream;
    this.#what = what;
    this.#everyMs = quiet ? Infinity : stream.isTTY ? EVERY_TTY_MS : EVERY_MS;
    this.#writtenAt = performance.now() + FIRST_AFTER_MS - this.#everyMs;
  }

  update(read: number, expected: number): void {
    const now = performance.now();
    if (this.#everyMs === Infinity || now - this.#writtenAt < this.#everyMs) return;
    this.#writtenAt = now;
    const text = `reading ${this.#what}: ${formatCount(read)} of about ${formatCount(expected)}`;
    this.#stream.write(this.#stream.isTTY ? `\r\u001b[K${text}` : `${text}\n`);
    this.#drawn = this.#stream.isTTY;
  }

  end(): void {
    if (this.#drawn) this.#stream.write("\r\u001b[K");
    this.#drawn = false;
  }
}
