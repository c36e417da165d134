import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { wholeEnvironment } from "../../shared/environment.ts";
import { functionArn, functionVariables } from "./function-variables.ts";
import type { FunctionSettings } from "./function-variables.ts";
import { compileRapidClient } from "./compile-rapid-client.ts";
import { MemoryGauge } from "./memory-gauge.ts";
import { RuntimeApi } from "./runtime-api.ts";
import type { LambdaError, RuntimeAnswer } from "./runtime-api.ts";

export interface EnvironmentOptions extends FunctionSettings {
  /** From an event's arrival to the end of the function. */
  readonly timeoutMs: number;
  /** The function's own variables, over this process's. */
  readonly variables: Readonly<Record<string, string>>;
  /** Waits there for a debugger before anything of the function runs; then no time limit holds. 0: any port. */
  readonly inspectPort?: number;
  /** A line of the function's log. */
  readonly onLog: (line: string) => void;
}

export type InvocationEnd =
  | RuntimeAnswer
  | { readonly kind: "not loaded"; readonly error: LambdaError }
  | { readonly kind: "timed out" }
  | { readonly kind: "out of memory" }
  /** The process ended by itself. */
  | { readonly kind: "exited"; readonly how: string };

export interface Invocation {
  readonly requestId: string;
  readonly end: InvocationEnd;
  readonly durationMs: number;
  /** Of the first event only: from the start of the process until the function waited. */
  readonly initMs: number | undefined;
  readonly maxMemoryMb: number;
}

const RUNTIME_CLIENT = createRequire(import.meta.url).resolve("aws-lambda-ric");
/** What Lambda's own start script gives V8 of the function's memory; the rest is for buffers and code. */
const HEAP_SHARE = 0.9;
const YOUNG_SHARE = 0.05;
/** Lambda gives a function 10 s to load. Source: Lambda developer guide, "Lambda execution environment lifecycle". */
const INIT_MS = 10_000;
/** As long as a timer can be. */
const NO_LIMIT_MS = 2 ** 31 - 1;

/**
 * One execution environment: a process that runs a function's bundle through AWS's runtime client, one event at a time.
 * States: starting → idle ⇄ invoking → dead (after a timeout, a crash, a failed start, or `stop`). A dead one is of no
 * further use, like Lambda's. Unlike Lambda's, it is not frozen between two events.
 */
export class ExecutionEnvironment {
  readonly #options: EnvironmentOptions;
  readonly #api: RuntimeApi;
  readonly #process: ChildProcess;
  readonly #memory: MemoryGauge;
  readonly #exited: Promise<string>;
  readonly #startedAt = performance.now();
  #isNew = true;
  #isDead = false;
  #heapFull = false;

  private constructor(options: EnvironmentOptions, api: RuntimeApi, rapidClient: string) {
    this.#options = options;
    this.#api = api;
    const { memoryMb, variables, inspectPort } = options;
    const { NODE_OPTIONS: _runner, ...inherited } = wholeEnvironment();
    this.#process = spawn(
      process.execPath,
      [
        ...(inspectPort === undefined ? [] : [`--inspect-brk=127.0.0.1:${inspectPort}`]),
        "--enable-source-maps",
        `--max-old-space-size=${Math.floor(memoryMb * HEAP_SHARE)}`,
        `--max-semi-space-size=${Math.ceil(memoryMb * YOUNG_SHARE)}`,
        "--disable-warning=ExperimentalWarning",
        "--import",
        rapidClient,
        RUNTIME_CLIENT,
      ],
      {
        cwd: process.cwd(),
        env: { ...inherited, ...functionVariables(options, api.address), ...variables },
        stdio: ["ignore", "pipe", "pipe"],
        // A terminal's Ctrl-C is for whoever started it, which lets the event in process come to its end.
        detached: true,
      },
    );
    this.#exited = once(this.#process, "exit").then(([code, signal]) => {
      this.#isDead = true;
      return signal === null ? `exit code ${code}` : `signal ${signal}`;
    });
    this.#memory = new MemoryGauge(this.#process.pid, memoryMb, () =>
      this.#process.kill("SIGKILL"),
    );
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on("line", (line) => this.#log(line));
    }
  }

  static async start(options: EnvironmentOptions): Promise<ExecutionEnvironment> {
    const rapidClient = await compileRapidClient(options.folder);
    return new ExecutionEnvironment(options, await RuntimeApi.listen(), rapidClient);
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  async invoke(event: unknown): Promise<Invocation> {
    const requestId = randomUUID();
    const failure = await this.#load();
    const initMs = this.#isNew ? performance.now() - this.#startedAt : undefined;
    this.#isNew = false;
    const startedAt = performance.now();
    const end = failure ?? (await this.#run(event, requestId));
    const durationMs = performance.now() - startedAt;
    if (end.kind !== "returned" && end.kind !== "threw") await this.stop();
    return { requestId, end, durationMs, initMs, maxMemoryMb: this.#memory.maxMb };
  }

  async stop(): Promise<void> {
    this.#isDead = true;
    this.#process.kill("SIGKILL");
    await this.#exited;
    this.#memory.close();
    this.#api.close();
  }

  async #load(): Promise<InvocationEnd | undefined> {
    if (!this.#isNew) return undefined;
    const loaded = this.#api.started.then((error): InvocationEnd | undefined =>
      error === undefined ? undefined : { kind: "not loaded", error },
    );
    return this.#within(loaded, INIT_MS);
  }

  #run(event: unknown, requestId: string): Promise<InvocationEnd> {
    const { timeoutMs, name, inspectPort } = this.#options;
    const limitMs = inspectPort === undefined ? timeoutMs : NO_LIMIT_MS;
    const answered = this.#api.invoke({
      requestId,
      body: JSON.stringify(event),
      deadlineAt: Date.now() + limitMs,
      functionArn: functionArn(name),
    });
    return this.#within<InvocationEnd>(answered, limitMs);
  }

  /** The work's own end, or the process's, or time's. */
  async #within<T extends InvocationEnd | undefined>(
    work: Promise<T>,
    limitMs: number,
  ): Promise<T | InvocationEnd> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<InvocationEnd>((resolve) => {
      const ms = this.#options.inspectPort === undefined ? limitMs : NO_LIMIT_MS;
      timer = setTimeout(() => resolve({ kind: "timed out" }), ms);
    });
    const died = this.#exited.then((how): InvocationEnd =>
      this.#memory.isOver || this.#heapFull ? { kind: "out of memory" } : { kind: "exited", how },
    );
    try {
      return await Promise.race([work, died, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #log(line: string): void {
    if (line.includes("JavaScript heap out of memory")) this.#heapFull = true;
    this.#options.onLog(line);
  }
}
