import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { figuresSchema } from "../support/figures-schema.ts";
import { SenpuProcess } from "../support/senpu-process.ts";
import type { Ended, StartOptions } from "../support/senpu-process.ts";
import type { Journal } from "./journal.ts";
import { now } from "./journal.ts";
import { lastLine } from "./service.ts";

export interface ProducerOptions {
  readonly run: string;
  readonly plan: string;
  /** Of `run` and `resume` alike. */
  readonly words: readonly string[];
  readonly start: StartOptions;
  readonly journal: Journal;
}

/** A dead producer's run can be taken up when its heartbeat is dead. */
const HEARTBEAT_MS = 10_200;
const AGAIN_MS = 1_000;
const MAX_RESUMES = 25;

/** `senpu run`, and `senpu resume` whenever it has ended before the run was settled. */
export class Producer {
  /** Resolves with how the run was told to have ended; undefined when nobody could bring it to its end. */
  readonly settled: Promise<Ended | undefined>;
  readonly #options: ProducerOptions;
  readonly #giveUp = new AbortController();
  #process: SenpuProcess | undefined;
  #log = "";

  constructor(options: ProducerOptions) {
    this.#options = options;
    this.settled = this.#conduct();
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Its worker processes. */
  get children(): number[] {
    try {
      return this.#process?.children() ?? [];
    } catch {
      return [];
    }
  }

  get log(): string {
    return this.#log;
  }

  /** Kills it, if it is still there. */
  async close(): Promise<void> {
    this.#giveUp.abort();
    this.#process?.kill("SIGKILL");
    await this.settled;
  }

  async #conduct(): Promise<Ended | undefined> {
    const { run, plan, words, start, journal } = this.#options;
    const { signal } = this.#giveUp;
    const begin = ["run", plan, "--run-id", run];
    let command = begin;
    for (let resumes = 0; resumes <= MAX_RESUMES; resumes++) {
      const startedAt = now();
      this.#process = new SenpuProcess([...command, "--json", ...words], start);
      journal.note(`${command[0]} ${this.#process.pid} starts`);
      const ended = await endOf(this.#process);
      this.#process = undefined;
      this.#log += ended.stderr;
      const { exitCode, stderr } = ended;
      journal.note(`${command[0]} ended with ${ended.signal ?? exitCode}${lastLine(stderr)}`);
      if (signal.aborted) return undefined;
      if (command[0] === "resume" && exitCode !== 2) journal.resumedAt.push(startedAt);
      if (exitCode === 0 || exitCode === 1) return this.#judge(ended) ? ended : undefined;
      if (!(await this.#waitToGoOn(ended))) return undefined;
      command = isUnknown(stderr) ? begin : ["resume", run];
      journal.resumes++;
    }
    journal.offend(`the run was not settled after ${MAX_RESUMES} resumes`);
    return undefined;
  }

  /** Settled, and said so? */
  #judge({ exitCode, stdout, stderr }: Ended): boolean {
    const { journal } = this.#options;
    const found = figuresSchema.safeParse(parse(stdout));
    if (!found.success) {
      journal.offend(`the run ended with ${exitCode} without its figures: ${stdout}${stderr}`);
      return false;
    }
    const { state, failed } = found.data;
    const right = failed === 0 ? 0 : 1;
    if (state === "settled" && exitCode === right) return true;
    journal.offend(`the run ended with ${exitCode}, ${state}, ${failed} failed`);
    return false;
  }

  /** False: it cannot be gone on with. */
  async #waitToGoOn({ exitCode, signal, stderr }: Ended): Promise<boolean> {
    const { journal } = this.#options;
    const wait = (ms: number): Promise<boolean> =>
      sleep(ms, true, { signal: this.#giveUp.signal }).catch(() => false);
    if (signal === "SIGKILL") {
      journal.disturb("the producer was killed");
      return wait(HEARTBEAT_MS);
    }
    if (exitCode === 3) {
      journal.disturb("the producer ended with 3");
      return wait(AGAIN_MS);
    }
    if (exitCode === 2 && (/gave a sign of life/.test(stderr) || isUnknown(stderr))) {
      return wait(AGAIN_MS);
    }
    journal.offend(`the producer ended with ${signal ?? exitCode}: ${stderr.slice(-600)}`);
    return false;
  }
}

/** Its workers hold its stderr open when it is killed: nobody who would take the run up waits for them. */
async function endOf(process: SenpuProcess): Promise<Ended> {
  const killed = once(process.child, "exit").then(([exitCode, signal]): Promise<Ended> | Ended =>
    signal === null
      ? process.ended
      : {
          exitCode: exitCode as null,
          signal: signal as NodeJS.Signals,
          stdout: "",
          stderr: process.stderr,
          elapsedMs: 0,
        },
  );
  return Promise.race([process.ended, killed]);
}

/** It died before it had stored the run. */
function isUnknown(stderr: string): boolean {
  return /no run/.test(stderr);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
