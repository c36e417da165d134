import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const LAUNCHER = fileURLToPath(new URL("../../senpu.js", import.meta.url));

export interface StartOptions {
  /** Written to standard input, which then ends. Default: no standard input. */
  readonly stdin?: string;
  /** Laid over this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: this process's. */
  readonly cwd?: string;
  /** For Node itself, before the launcher. Default: none. */
  readonly execArgv?: readonly string[];
  /** Path of another `senpu.js` than this checkout's. */
  readonly launcher?: string;
}

export interface Ended {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** From its start to the end of its output. */
  readonly elapsedMs: number;
}

/**
 * `node senpu.js …` as a process of its own: what a person at a terminal has, without the terminal.
 * Nothing is cleaned up here; see `FlowStage`.
 */
export class SenpuProcess {
  readonly child: ChildProcess;
  /** Resolves, and never rejects, once the process and its output have ended. */
  readonly ended: Promise<Ended>;
  readonly #words: readonly string[];
  #stdout = "";
  #stderr = "";

  constructor(words: readonly string[], options: StartOptions = {}) {
    const startedAt = performance.now();
    this.#words = words;
    this.child = spawn(
      process.execPath,
      [...(options.execArgv ?? []), options.launcher ?? LAUNCHER, ...words],
      {
        stdio: [options.stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
        env: environmentFor(options.env),
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      },
    );
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.#stdout += text));
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.#stderr += text));
    this.child.stdin?.on("error", () => {}).end(options.stdin);
    this.ended = new Promise((resolve) => {
      this.child.once("close", (exitCode, signal) => {
        const elapsedMs = performance.now() - startedAt;
        resolve({ exitCode, signal, stdout: this.#stdout, stderr: this.#stderr, elapsedMs });
      });
    });
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`${this.#line} did not start`);
    return this.child.pid;
  }

  /** What it wrote so far. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Resolves once this stands on stderr; rejects when the process ends without it. */
  async waitForStderr(pattern: RegExp): Promise<void> {
    for (;;) {
      if (pattern.test(this.#stderr)) return;
      const more = new Promise<boolean>((resolve) => {
        this.child.stderr?.once("data", () => resolve(true));
      });
      const isAlive = await Promise.race([more, this.ended.then(() => false)]);
      if (!isAlive && !pattern.test(this.#stderr)) {
        throw new Error(`${this.#line} ended without ${pattern} on stderr:\n${this.#stderr}`);
      }
    }
  }

  /** Sends the signal to this process, and to no other. */
  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Process ids of its children, worker processes for instance. Linux only. */
  children(): number[] {
    const text = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, "utf8");
    return text.split(" ").filter(Boolean).map(Number);
  }

  get #line(): string {
    return `senpu ${this.#words.join(" ")}`;
  }
}

/** What the test runner put there for itself is not for the process under test. */
function environmentFor(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = { SENPU_CONFIG: "none", ...process.env, ...more };
  for (const name of ["NODE_OPTIONS", "NODE_ENV", "VITEST", "FORCE_COLOR"]) {
    delete environment[name];
  }
  return environment;
}
