import { spawn } from "node:child_process";
import { once } from "node:events";
import { wholeEnvironment } from "../../shared/environment.ts";
import { messageOf } from "../../shared/errors.ts";
import type { SettledEvent } from "../../shared/model/settled-event.ts";

const LIMIT_MS = 60_000;
/** After it was asked to end. */
const GRACE_MS = 2_000;
/** Standard error of this process, from whatever thread. */
const STDERR = 2;

export interface CommandOptions {
  /** A program and its arguments. */
  readonly command: readonly string[];
  readonly event: SettledEvent;
  /** The state folder. */
  readonly state: string;
  /** Ends it before its time. */
  readonly signal: AbortSignal;
  /** Default: 60,000. */
  readonly limitMs?: number;
}

/**
 * Runs a command, without a shell, with the event as JSON on its standard input, `SENPU_RUN` and `SENPU_STATE` (the state
 * folder) in its environment, and both of its outputs on our stderr. Throws unless it ends with 0 in time, with what it did.
 */
export async function runCommand(options: CommandOptions): Promise<void> {
  const { command, event, state, signal, limitMs = LIMIT_MS } = options;
  const [program = "", ...words] = command;
  const child = spawn(program, words, {
    stdio: ["pipe", STDERR, STDERR],
    env: { ...wholeEnvironment(), SENPU_RUN: event.run, SENPU_STATE: state },
    windowsHide: true,
  });
  // It need not read what it is given.
  child.stdin?.on("error", () => {});
  child.stdin?.end(`${JSON.stringify(event)}\n`);
  let isLate = false;
  const end = (): void => {
    child.kill("SIGTERM");
    kill = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
  };
  let kill: NodeJS.Timeout | undefined;
  const timer = setTimeout(() => {
    isLate = true;
    end();
  }, limitMs);
  signal.addEventListener("abort", end, { once: true });
  try {
    const [code, by] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
    if (isLate) throw new Error(`it was ended after ${limitMs / 1_000} s`);
    if (code !== 0) throw new Error(code === null ? `it ended by ${by}` : `it ended with ${code}`);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === undefined) throw cause;
    throw new Error(`it could not be started: ${messageOf(cause)}`, { cause });
  } finally {
    clearTimeout(timer);
    clearTimeout(kill);
    signal.removeEventListener("abort", end);
  }
}
