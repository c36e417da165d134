import { setTimeout as sleep } from "node:timers/promises";
import { SenpuProcess } from "../support/senpu-process.ts";
import type { Ended, StartOptions } from "../support/senpu-process.ts";
import type { Role } from "./fault.ts";
import type { Journal } from "./journal.ts";

export interface ServiceOptions {
  readonly role: Exclude<Role, "producer">;
  readonly words: readonly string[];
  readonly start: StartOptions;
  readonly journal: Journal;
  /** Resolves once it is needed again. Default: at once. */
  readonly isNeeded?: () => Promise<void>;
}

const RESTART_MS = 400;
/** Draining takes as long as the calls in flight, and as the patience with a broker that has gone. */
const STOP_MS = 45_000;
const UNREACHABLE = 3;

/** A process that is to run until it is stopped: `running` → `ended` → running again after a moment; `closed` at the end. */
export class Service {
  readonly role: Exclude<Role, "producer">;
  readonly #options: ServiceOptions;
  readonly #over: Promise<void>;
  readonly #closing = new AbortController();
  #process: SenpuProcess | undefined;
  #log = "";

  constructor(options: ServiceOptions) {
    this.role = options.role;
    this.#options = options;
    this.#over = this.#keep();
  }

  /** Undefined while it is not running. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** All that it wrote to stderr. */
  get log(): string {
    return this.#log;
  }

  /** Asks it to end, as a supervisor does, and notes what is wrong about its end. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#process?.kill("SIGTERM");
    const timer = setTimeout(() => {
      this.#options.journal.offend(`${this.role} did not end within ${STOP_MS} ms of SIGTERM`);
      this.#process?.kill("SIGKILL");
    }, STOP_MS);
    await this.#over;
    clearTimeout(timer);
  }

  async #keep(): Promise<void> {
    const { words, start, journal, isNeeded, role } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await isNeeded?.();
      if (signal.aborted) return;
      this.#process = new SenpuProcess(words, start);
      journal.note(`${role} ${this.#process.pid} starts`);
      const ended = await this.#process.ended;
      this.#process = undefined;
      this.#judge(ended);
      if (!signal.aborted) journal.restarts++;
      await sleep(RESTART_MS, undefined, { signal }).catch(() => {});
    }
  }

  #judge({ exitCode, signal, stderr }: Ended): void {
    const { journal } = this.#options;
    const { role } = this;
    this.#log += stderr;
    journal.note(`${role} ended with ${signal ?? exitCode}${lastLine(stderr)}`);
    if (role === "worker" && exitCode !== 0) {
      journal.disturb(`a worker ended with ${signal ?? exitCode}`);
    }
    const isExpected =
      signal === "SIGKILL" ||
      exitCode === UNREACHABLE ||
      (exitCode === 0 && this.#closing.signal.aborted);
    if (!isExpected) {
      journal.offend(`${role} ended with ${signal ?? exitCode}: ${stderr.slice(-600)}`);
    }
  }
}

export function lastLine(stderr: string): string {
  const line = stderr.trimEnd().split("\n").at(-1) ?? "";
  return line === "" ? "" : `: ${line.slice(0, 300)}`;
}
