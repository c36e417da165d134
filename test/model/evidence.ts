import type { LedgerRecord } from "../../shared/ledger/ledger.ts";
import { decodeMessage } from "../../shared/model/message.ts";
import type { CallsMessage } from "../../shared/model/message.ts";
import type { Outcome } from "../../shared/model/outcome.ts";
import type { RunControl } from "../../shared/coordination/coordination.ts";
import { toRecords } from "../../consumer/record/to-records.ts";
import { laneOfQueue } from "../../shared/broker/topology.ts";
import type { StoredMessage } from "./cruel-broker.ts";
import { ModelRun } from "./ledger-model.ts";
import type { Seen } from "./model-api.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

/** Names a call over all runs. */
export function nameOf(run: string, id: string): string {
  return `${run}/${id}`;
}

/**
 * Outcomes leave within 200 ms, and from its second on a chunk leaves a checkpoint, within 200 ms more: what was settled
 * longer ago than this, and two rounds of messages on their way, is known to a successor.
 */
const CHECKPOINT_AFTER_MS = 1_000;
const KNOWN_AFTER_MS = 450;
const CALLS_ON_THE_WAY = 20;

const HELD = "no call starts once its worker has seen that its run is held";
const OLDER = "no call of an older generation starts once its worker has seen the newer";

/** What a process knows of a run, and since when. */
interface Learnt {
  readonly control: RunControl;
  readonly at: number;
}

/** The newest generation in which it received a call, and when it last did. */
interface Received {
  readonly generation: number;
  readonly at: number;
}

/** What each process has seen and done, as far as it bears on what may happen to a call. */
export class Evidence {
  readonly #maxLatencyMs: number;
  readonly runs = new Map<string, ModelRun>();
  /** Outcomes that the broker has accepted, and those that a recorder has made. */
  readonly outcomes = new Map<string, Outcome[]>();
  readonly #excuses = new Map<string, number>();
  readonly #doubled = new Set<string>();
  /** Deaths that a call should have outlived. */
  readonly #outlived = new Map<string, number>();
  readonly seen = new Map<string, Seen[]>();
  /** Unsafe calls that a successor was told may have been started. */
  readonly unseen = new Set<string>();
  /** Found out while it happened. */
  readonly violations: string[] = [];
  /** Bodies that lay in lanes' queues. */
  readonly laneBodies: string[] = [];
  readonly #controls = new Map<SimulatedProcess, Map<string, Learnt>>();
  readonly #received = new Map<SimulatedProcess, Map<string, Received>>();
  readonly #faulted = new Set<SimulatedProcess>();
  readonly #endedAt = new Map<SimulatedProcess, number>();

  constructor(maxLatencyMs: number) {
    this.#maxLatencyMs = maxLatencyMs;
  }

  run(id: string): ModelRun {
    let run = this.runs.get(id);
    if (run === undefined) this.runs.set(id, (run = new ModelRun()));
    return run;
  }

  /**
   * How often something befell a call that may have it made anew. Of a message that is there twice, the copy that is
   * over first takes the checkpoint of the other with it: then a death counts that the call would have outlived.
   */
  excuses(name: string): number {
    const outlived = this.#doubled.has(name) ? this.#outlived.get(name) : undefined;
    return (this.#excuses.get(name) ?? 0) + (outlived ?? 0);
  }

  accepted(queue: string, body: string): void {
    if (laneOfQueue(queue) !== undefined) this.laneBodies.push(body);
  }

  recorded(records: readonly LedgerRecord[]): void {
    for (const record of records) {
      this.run(record.run).record(record);
      if (record.kind === "outcomes") this.#note(record);
    }
  }

  /** An outcome that is on its way counts: nothing that was accepted may be lost. */
  told(body: string): void {
    const message = decodeMessage(body);
    if (message.kind !== "outcomes") return;
    for (const record of toRecords(message, 0)) {
      if (record.kind === "outcomes") this.#note(record);
    }
  }

  #note({ run, outcomes }: LedgerRecord & { readonly kind: "outcomes" }): void {
    for (const outcome of outcomes) {
      const name = nameOf(run, outcome.id);
      const known = this.outcomes.get(name) ?? [];
      known.push(outcome);
      this.outcomes.set(name, known);
    }
  }

  doubled(queue: string, body: string): void {
    if (laneOfQueue(queue) === undefined) return;
    const { run, calls } = decodeMessage(body) as CallsMessage;
    for (const { id } of calls) {
      increase(this.#excuses, nameOf(run, id));
      this.#doubled.add(nameOf(run, id));
    }
  }

  received(process: SimulatedProcess, queue: string, body: string): void {
    if (laneOfQueue(queue) === undefined) return;
    const { run, generation, calls } = decodeMessage(body) as CallsMessage;
    const known = this.#received.get(process) ?? new Map<string, Received>();
    this.#received.set(process, known);
    for (const { id } of calls) {
      const name = nameOf(run, id);
      const newest = Math.max(generation, known.get(name)?.generation ?? 0);
      known.set(name, { generation: newest, at: process.time.now });
    }
  }

  /** The process has read it; what it has known better stays known. */
  learnt(process: SimulatedProcess, run: string, control: RunControl): void {
    const known = this.#controls.get(process) ?? new Map<string, Learnt>();
    this.#controls.set(process, known);
    const before = known.get(run)?.control;
    const isNewer =
      before === undefined ||
      control.generation > before.generation ||
      (control.generation === before.generation &&
        before.state === "running" &&
        control.state !== "running");
    if (isNewer) known.set(run, { control, at: process.time.now });
  }

  attempted(seen: Seen): void {
    const { process, run, id, at } = seen;
    const name = nameOf(run, id);
    const learnt = this.#controls.get(process)?.get(run);
    // Within the same millisecond it may be on its way through the process.
    if (learnt !== undefined && at > learnt.at) {
      const what = `${name} by ${process.name} at ${at}`;
      const { state, generation } = learnt.control;
      if (state !== "running") this.violations.push(`${HELD}: ${what}`);
      const own = this.#received.get(process)?.get(name);
      if (own === undefined || own.generation < generation) {
        this.violations.push(`${OLDER}: ${what}`);
      }
    }
    const known = this.seen.get(name) ?? [];
    known.push(seen);
    this.seen.set(name, known);
  }

  /** Something that it asked for has failed: what it knew it has told of may not be so. */
  faulted(process: SimulatedProcess, held: readonly StoredMessage[], now: number): void {
    this.#faulted.add(process);
    this.#forgiveHeld(process, held, now);
  }

  /** What the process held comes again, but for what it had settled and told of long enough ago. */
  ended(process: SimulatedProcess, held: readonly StoredMessage[], now: number): void {
    this.#endedAt.set(process, now);
    this.#forgiveHeld(process, held, now);
  }

  #forgiveHeld(process: SimulatedProcess, held: readonly StoredMessage[], now: number): void {
    for (const { body } of held) {
      const { run, calls } = decodeMessage(body) as CallsMessage;
      for (const { id } of calls) {
        const own = this.#seenOf(run, id).filter((seen) => seen.process === process);
        const isOutlived = !this.#faulted.has(process) && this.#isLongSettled(own, now);
        increase(isOutlived ? this.#outlived : this.#excuses, nameOf(run, id));
      }
    }
  }

  /** A run begins anew: what is under way anywhere is made there and here. */
  restarted(run: string, now: number): void {
    const { calls } = this.run(run);
    for (const id of calls.keys()) {
      const seen = this.#seenOf(run, id);
      if (seen.length > 0 && !this.#isLongSettled(seen, now)) {
        increase(this.#excuses, nameOf(run, id));
      }
    }
  }

  #seenOf(run: string, id: string): readonly Seen[] {
    return this.seen.get(nameOf(run, id)) ?? [];
  }

  /** And told of, if all goes as it should. */
  #isLongSettled(seen: readonly Seen[], now: number): boolean {
    return seen.some(({ answer, answeredAt, process, run, id }) => {
      if ((answer !== 200 && answer !== 404) || answeredAt === undefined) return false;
      const receivedAt = this.#received.get(process)?.get(nameOf(run, id))?.at ?? 0;
      const leavesAt = Math.max(answeredAt, receivedAt + CHECKPOINT_AFTER_MS);
      const knownAt = leavesAt + KNOWN_AFTER_MS + CALLS_ON_THE_WAY * this.#maxLatencyMs;
      return knownAt < Math.min(now, this.#endedAt.get(process) ?? now);
    });
  }
}

function increase(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
