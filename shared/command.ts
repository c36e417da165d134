import type { Command as Commander } from "commander";
import type { AnswerStore } from "./answers/answer-store.ts";
import type { Broker, Outgoing } from "./broker/broker.ts";
import type { ClaimStore } from "./claims/claim-store.ts";
import type { Coordination, LaneLimit } from "./coordination/coordination.ts";
import type { Deployment } from "./deployment/deployment.ts";
import type { Rate } from "./model/lane.ts";
import type { Reason, SettledState } from "./model/outcome.ts";

/**
 * One command of the command line. `senpu.ts` loads the module of the command that was asked for, and no other.
 */
export interface CommandModule {
  /** Declares arguments, options and examples. */
  configure(command: Commander): void;
  /** Does it; returns the exit code. Throws SenpuError for what the person should mend. */
  run(context: CommandContext): Promise<number>;
}

export interface CommandContext {
  /** Positional arguments, in order. */
  readonly args: readonly (string | undefined)[];
  /** The command's own options and the common ones, by commander's camel-cased names. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly common: CommonOptions;
  readonly sides: CommandSides;
}

/** Flags that every command takes. */
export interface CommonOptions {
  /** One JSON value, or JSON Lines, on stdout and nothing else there. */
  readonly json: boolean;
  /** Absolute path of the state folder; with `env` that of the environment, within the one that was given. */
  readonly state: string;
  readonly endpointUrl: string | undefined;
  readonly env: string | undefined;
  /** What is deployed of `env`, for commands that work there; undefined: on this machine. */
  readonly deployment?: Deployment | undefined;
  readonly quiet: boolean;
}

/** What one side offers the other without importing it; filled in by `senpu.ts`. */
export interface Sides {
  readonly loadConsumer: () => Promise<ConsumerSide>;
}

/** What commands may ask for besides: the command line is the one place where all sides meet. */
export interface CommandSides extends Sides {
  readonly loadConsumer: () => Promise<SamplingSide>;
  readonly loadProducer: () => Promise<ProducerSide>;
  readonly loadEventSource: () => Promise<EventSourceSide>;
}

interface ProducerSide {
  /** The first messages of a run of the plan; sends nothing. */
  samplePlan(path: string, state: string): Promise<Sample>;
}

/** Messages as they would lie in a lane's queue, at most a batch of them. */
export interface Sample {
  readonly lane: string;
  readonly messages: readonly Outgoing[];
}

interface EventSourceSide {
  readonly startEventSource: (options: EventSourceOptions) => Promise<RunningEventSource>;
}

export interface EventSourceOptions {
  readonly broker: Broker;
  readonly coordination: Coordination;
  /** Absolute path of the state folder, for the function. */
  readonly state: string;
  readonly endpointUrl: string;
  /** The command line's words: `batchSize`, `window`, `maxConcurrency`, `reservedConcurrency`, `timeout`, `memory`. */
  readonly words: Readonly<Record<string, unknown>>;
  /** A line of the function's log. */
  readonly onLog: (line: string) => void;
}

export interface RunningEventSource {
  readonly failed: Promise<never>;
  /** Polls no more, waits for the invocations in process, ends the environments. */
  stop(): Promise<EventSourceSummary>;
}

export interface EventSourceSummary {
  readonly invocations: number;
  /** Cold starts. */
  readonly environments: number;
  readonly messages: number;
  /** Messages that invocations did not do with: they come again. */
  readonly messagesFailed: number;
  readonly errors: number;
  readonly timeouts: number;
  readonly throttles: number;
}

/** The consumer as a run sees it. */
interface ConsumerSide {
  startWorker(options: WorkerOptions): Promise<RunningWorker>;
  startRecorder(options: RecorderOptions): Promise<RunningRecorder>;
}

interface SamplingSide extends ConsumerSide {
  /** Makes the calls one after the other, outside of any run; nothing is recorded. */
  sampleCalls(
    calls: readonly SampleCall[],
    claims: ClaimStore,
    onAnswer: (answer: SampleAnswer) => void,
  ): Promise<void>;
}

/** One call, and the message of one call that a worker would receive. */
export interface SampleCall {
  readonly id: string;
  readonly lane: string;
  readonly body: string;
  /** Of its one attempt. */
  readonly timeoutMs: number;
}

/** What became of a call that was made to see. */
export interface SampleAnswer {
  readonly id: string;
  readonly lane: string;
  readonly state: SettledState;
  readonly reason?: Reason;
  readonly status?: number;
  readonly latencyMs?: number;
  /** One line, when there was no answer. */
  readonly error?: string;
  /** Of the body; absent: there was no answer. */
  readonly bytes?: number;
  /** Its beginning, as UTF-8. */
  readonly text?: string;
}

export interface WorkerOptions {
  readonly broker: Broker;
  readonly coordination: Coordination;
  readonly claims: ClaimStore;
  readonly answers: AnswerStore;
  /** Unique among living workers. */
  readonly name: string;
  /** Worked on whether a run claims them or not, with these limits while none does. Default: the lane `default`. */
  readonly declared?: readonly LaneLimit[];
  /** Worked on, claimed or not, and no other. Default: every lane that is declared or claimed, and `default`. */
  readonly only?: readonly string[] | undefined;
}

export interface RunningWorker {
  /** Receives nothing more, lets calls in flight finish (for `graceMs` at most), records, hands back the rest. */
  stop(graceMs?: number): Promise<void>;
  /** What it does at this moment, for progress. */
  lanes(): readonly LaneActivity[];
  /** Rejects when the worker cannot go on. */
  readonly failed: Promise<never>;
}

export interface LaneActivity {
  readonly lane: string;
  readonly inFlight: number;
  /** At hand, waiting for a slot, their time, or another try. */
  readonly waiting: number;
  /** Calls in flight that this worker may reach. */
  readonly limit: number;
  /** What keeps more of its calls from starting. */
  readonly binding?: Binding;
}

/**
 * What keeps more calls of a lane from starting at this moment: nothing (there are none at hand), a limit of the lane or
 * of the total, credentials that are being fetched, a destination's window or its being closed (by its own word, or by the breaker), or that coordination is
 * out of reach, so that a worker has only its share of the limits.
 */
export type Binding =
  | { readonly by: "nothing" | "concurrency" | "total" | "coordination" | "credentials" }
  | { readonly by: "rate"; readonly rate: Rate }
  | { readonly by: "window"; readonly origin: string; readonly window: number }
  | {
      readonly by: "closed" | "breaker";
      readonly origin: string;
      /** Epoch milliseconds. */
      readonly until: number;
      readonly cause: string;
    };

export interface RecorderOptions {
  readonly state: string;
  /** Undefined: the broker is AWS's. */
  readonly endpointUrl: string | undefined;
}

export interface RunningRecorder {
  /** Records what it has received, then ends. */
  stop(): Promise<void>;
  /** Called after each transaction. */
  onRecorded(listener: () => void): void;
  readonly failed: Promise<never>;
}
