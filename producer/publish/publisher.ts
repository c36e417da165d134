import { join } from "node:path";
import type { Broker, Outgoing } from "../../shared/broker/broker.ts";
import {
  CHUNK_MAX_BYTES,
  SNS_MAX_BATCH_BYTES,
  SNS_MAX_BATCH_ENTRIES,
} from "../../shared/limits.ts";
import { ClaimLostError, TooLargeError } from "../../shared/claims/claim-store.ts";
import type { ClaimStore } from "../../shared/claims/claim-store.ts";
import { adoptClaim, claimCall } from "../../shared/claims/claimed-call.ts";
import type { Call } from "../../shared/model/call.ts";
import type { Lane } from "../../shared/model/lane.ts";
import { MESSAGE_VERSION, encodeMessage } from "../../shared/model/message.ts";
import type { InvalidCall } from "../../shared/model/message.ts";
import type { Policy } from "../../shared/model/policy.ts";
import type { PlanEntry, PlanPolicy } from "../plan/plan.ts";
import { chunkCalls } from "./chunk-size.ts";
import { lanePolicy } from "./lane-policy.ts";
import type { Outlet } from "./outlet.ts";
import { Packer } from "./pack.ts";
import type { PackedChunk } from "./pack.ts";
import { settleUnknown } from "./settle-unknown.ts";
import { SpillFile } from "./spill-file.ts";
import { toInvalid } from "./to-invalid.ts";
import type { PlannedEntry } from "./to-invalid.ts";
import { Window } from "./window.ts";

export interface PublisherOptions {
  readonly broker: Broker;
  /** Takes what no message can hold. */
  readonly claims: ClaimStore;
  readonly run: string;
  readonly generation: number;
  /** Of calls that bring none of their own; the deadline is everybody's. */
  readonly policy: Policy;
  readonly lanes: readonly Lane[];
  /** Folder for what a full lane has to wait with. */
  readonly spillDir: string;
  /** Each lane gets as much as its ceiling of bytes allows, not only what it works off in seconds. Default false. */
  readonly bytesOnly?: boolean | undefined;
  /** Stops it: what was accepted stays, nothing more is published. */
  readonly signal: AbortSignal;
}

/** What an earlier generation left behind; empty sets in the first. */
export interface KnownCalls {
  /** Ids with an outcome. */
  readonly settled: ReadonlySet<string>;
  /** Ids of unsafe calls that may have been started, whose result nobody saw: repeated only if their policy says so. */
  readonly unseen: ReadonlySet<string>;
}

/** What goes out with every call of a policy stands in each message. */
const HEADERS_TOO_LARGE = `the plan's own headers leave no room in a message of ${CHUNK_MAX_BYTES.toLocaleString("en")} bytes`;
/** Calls that cannot be made go out in messages of so many. */
const INVALID_PER_MESSAGE = 200;
const INVALID_ERROR_CHARS = 500;
/** A batch that is not full waits so long at the most while there is more to read. */
const FLUSH_MS = 100;
/** How often waiting chunks are tried again once everything has been read. */
const SPILL_LOOK_MS = 50;

/**
 * Publishes a run's calls.
 *
 * In: entries in any number. Out: chunks on the calls topic, each lane within its window of outstanding bytes, at last
 * the closing record. `add` resolves when there is room for more; a lane that is full waits on disk where there are
 * others, so that a slow lane starves no fast one. Every method throws when the broker cannot be reached.
 */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #outlets: ReadonlyMap<string, Outlet>;
  #batch: Outgoing[] = [];
  #batchBytes = 0;
  #flushedAt = -Infinity;
  #invalid: InvalidCall[] = [];
  #planned = 0;
  #chunks = 0;

  constructor(options: PublisherOptions) {
    this.#options = options;
    const { run, broker, spillDir } = options;
    this.#outlets = new Map(
      options.lanes.map((lane) => [
        lane.name,
        {
          lane,
          packers: new Map(),
          window: new Window(broker, lane, options.bytesOnly),
          spill: new SpillFile(join(spillDir, `${run}.${lane.name}.spill`)),
          published: 0,
        },
      ]),
    );
  }

  /** Calls planned so far, invalid and skipped ones included. */
  get planned(): number {
    return this.#planned;
  }

  /** Calls that have an outcome are counted, and not published. */
  async add(entries: readonly PlanEntry[], known: KnownCalls): Promise<void> {
    for (const entry of entries) {
      if (this.#options.signal.aborted) return;
      this.#planned++;
      if ("invalid" in entry) {
        if (!known.settled.has(entry.invalid.id)) await this.#addInvalid(entry.invalid);
      } else if (!known.settled.has(entry.call.id)) {
        const { policy } = this.#options;
        const repeatable = (entry.policy ?? policy).retry.unsafe;
        if (known.unseen.has(entry.call.id) && !repeatable) await this.#addUnknown(entry);
        else {
          // Nearly every call only joins its chunk: that takes no promise.
          const more = this.#addCall(entry);
          if (more !== undefined) await more;
        }
      }
    }
    for (const outlet of this.#outlets.values()) await this.#drain(outlet);
    // A slow lane may not fill a batch for long, and its workers wait for what is in it.
    if (performance.now() - this.#flushedAt > FLUSH_MS) await this.#flush();
  }

  /**
   * Publishes what is left, then the closing record. Not called when reading was stopped.
   * False: the signal aborted, and something was not published.
   */
  async finish(): Promise<boolean> {
    const { signal, run, generation } = this.#options;
    for (const outlet of this.#outlets.values()) {
      for (const packer of outlet.packers.values()) {
        const rest = packer.take();
        if (rest !== undefined) await this.#offer(outlet, rest);
      }
    }
    await this.#flushInvalid();
    await this.#flush();
    const outlets = [...this.#outlets.values()];
    while (!signal.aborted && outlets.some((outlet) => !outlet.spill.isEmpty)) {
      for (const outlet of outlets) await this.#drain(outlet);
      await this.#flush();
      await new Promise((resolve) => setTimeout(resolve, SPILL_LOOK_MS));
    }
    if (signal.aborted) return false;
    const body = encodeMessage({
      v: MESSAGE_VERSION,
      kind: "closed",
      run,
      generation,
      planned: this.#planned,
    });
    await this.#options.broker.publish("calls", [{ body, attributes: { kind: "closed", run } }]);
    return true;
  }

  close(): void {
    for (const outlet of this.#outlets.values()) outlet.spill.close();
  }

  /** Undefined: the call is in the chunk under way, and that is all. */
  #addCall(entry: PlannedEntry): Promise<void> | undefined {
    const { call, lane: laneName, policy } = entry;
    const outlet = this.#outlets.get(laneName);
    if (outlet === undefined) throw new Error(`lane ${laneName} is not among the plan's lanes`);
    const packer = this.#packerOf(outlet, policy);
    const maxCalls = chunkCalls(outlet.published, outlet.lane);
    const chunk = call.claim === undefined ? packer.add(call, maxCalls) : "too large";
    if (chunk === "too large") return this.#addLarge(entry, outlet, packer, maxCalls);
    outlet.published++;
    return chunk === undefined ? undefined : this.#offer(outlet, chunk);
  }

  async #addLarge(
    entry: PlannedEntry,
    outlet: Outlet,
    packer: Packer,
    maxCalls: number,
  ): Promise<void> {
    const claimed = await this.#claim(entry);
    if (claimed === undefined) return;
    const chunk = packer.add(claimed, maxCalls);
    outlet.published++;
    if (chunk === "too large") await this.#addInvalid(toInvalid(entry, HEADERS_TOO_LARGE));
    else if (chunk !== undefined) await this.#offer(outlet, chunk);
  }

  /** The call as a message can carry it, once the rest of it is kept; undefined for one that cannot be made. */
  async #claim(entry: PlannedEntry): Promise<Call | undefined> {
    const { claims, run } = this.#options;
    try {
      if (entry.call.claim !== undefined) return await adoptClaim(claims, run, entry.call);
      return await claimCall(claims, run, entry.call);
    } catch (error) {
      if (!(error instanceof ClaimLostError || error instanceof TooLargeError)) throw error;
      await this.#addInvalid(toInvalid(entry, error.message));
      return undefined;
    }
  }

  /** It was planned by an earlier generation, which may have made it. */
  async #addUnknown(entry: PlannedEntry): Promise<void> {
    const { broker, run, generation } = this.#options;
    const { lane } = entry;
    const policy = this.#policyOf(entry.policy, this.#outlets.get(lane)?.lane);
    const frame = { run, generation, lane, policy };
    const fits = entry.call.claim === undefined && new Packer(frame, () => "").fits(entry.call);
    const call = fits ? entry.call : await this.#claim(entry);
    if (call !== undefined) await settleUnknown(broker, call, frame);
  }

  #packerOf(outlet: Outlet, own: PlanPolicy | undefined): Packer {
    const known = outlet.packers.get(own);
    if (known !== undefined) return known;
    const { run, generation } = this.#options;
    const { lane } = outlet;
    const frame = { run, generation, lane: lane.name, policy: this.#policyOf(own, lane) };
    const packer = new Packer(frame, () => String(this.#chunks++));
    outlet.packers.set(own, packer);
    return packer;
  }

  #policyOf(own: PlanPolicy | undefined, lane: Pick<Lane, "auth"> = {}): Policy {
    const { policy } = this.#options;
    if (own === undefined) return lanePolicy(policy, lane);
    return { ...own, deadlineAt: policy.deadlineAt };
  }

  async #addInvalid(invalid: InvalidCall): Promise<void> {
    this.#invalid.push({ ...invalid, error: invalid.error.slice(0, INVALID_ERROR_CHARS) });
    if (this.#invalid.length >= INVALID_PER_MESSAGE) await this.#flushInvalid();
  }

  /** Only the ledger hears of these: without a lane, no lane queue takes them. */
  async #flushInvalid(): Promise<void> {
    if (this.#invalid.length === 0) return;
    const { run, generation } = this.#options;
    const calls = this.#invalid;
    this.#invalid = [];
    const body = encodeMessage({ v: MESSAGE_VERSION, kind: "invalid", run, generation, calls });
    await this.#push(body, Buffer.byteLength(body), { kind: "invalid", run });
  }

  async #offer(outlet: Outlet, chunk: PackedChunk): Promise<void> {
    if (!outlet.spill.isEmpty || (await outlet.window.isFull())) {
      if (this.#mustNotWait(outlet)) {
        outlet.spill.append(chunk.body);
        return;
      }
      await this.#flush();
      await outlet.window.room(this.#options.signal);
    }
    await this.#send(outlet, chunk.body, chunk.bytes, chunk.calls);
  }

  /** A lane that is alone may as well hold up the reading, unless its rate would do so until nearly the run's end. */
  #mustNotWait(outlet: Outlet): boolean {
    if (outlet.lane.rate !== undefined) return true;
    for (const other of this.#outlets.values()) {
      if (other !== outlet && other.published > 0) return true;
    }
    return false;
  }

  /** Takes from the spill what the window has room for. */
  async #drain(outlet: Outlet): Promise<void> {
    while (!outlet.spill.isEmpty && !this.#options.signal.aborted) {
      if (await outlet.window.isFull()) return;
      const body = outlet.spill.shift();
      if (body !== undefined) await this.#send(outlet, body, Buffer.byteLength(body));
    }
  }

  /** `calls`: how many are in it, where that is known. */
  async #send(outlet: Outlet, body: string, bytes: number, calls?: number): Promise<void> {
    outlet.window.note(bytes, calls);
    const { run } = this.#options;
    await this.#push(body, bytes, { kind: "calls", lane: outlet.lane.name, run });
  }

  /** Publishes when a batch is full, so that a request carries as much as SNS allows. */
  async #push(body: string, bytes: number, attributes: Record<string, string>): Promise<void> {
    if (this.#batchBytes + bytes > SNS_MAX_BATCH_BYTES * 0.95) await this.#flush();
    this.#batch.push({ body, attributes });
    this.#batchBytes += bytes;
    if (this.#batch.length >= SNS_MAX_BATCH_ENTRIES) await this.#flush();
  }

  async #flush(): Promise<void> {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    this.#flushedAt = performance.now();
    await this.#options.broker.publish("calls", batch);
  }
}
