import { Bag } from "../../shared/bag.ts";
import type { Broker } from "../../shared/broker/broker.ts";
import { laneQueue } from "../../shared/broker/broker.ts";
import type { Coordination } from "../../shared/coordination/coordination.ts";
import { log } from "../../shared/log/log.ts";
import { chunkFields } from "../settle/log-fields.ts";
import type { Chunk } from "./chunk.ts";
import { HoldKeeper } from "./hold.ts";
import type { RunWatch } from "./run-watch.ts";
import { VisibilityKeeper } from "./visibility-keeper.ts";

export interface OpenChunksOptions {
  readonly broker: Broker;
  readonly coordination: Coordination;
  readonly watch: RunWatch;
  readonly lane: string;
  /** Starts calls: told when some of what is open may not be started any more. */
  readonly pump: { pump(): void };
  readonly onFailed: (error: unknown) => void;
}

/** What a lane's worker has taken on: kept from other workers, and its runs watched, until nothing depends on it. */
export class OpenChunks {
  readonly #options: OpenChunksOptions;
  readonly #chunks = new Bag<Chunk>();
  readonly #keeper: VisibilityKeeper;
  readonly #holds: HoldKeeper;

  constructor(options: OpenChunksOptions) {
    this.#options = options;
    const { broker, coordination, lane, pump, onFailed } = options;
    this.#keeper = new VisibilityKeeper(broker, laneQueue(lane), onFailed);
    this.#holds = new HoldKeeper(coordination, () => pump.pump(), onFailed);
  }

  /** Of a delivery that may become a chunk; `drop` it if it does not. */
  keep(receipt: string): void {
    this.#keeper.add(receipt);
  }

  drop(receipt: string): void {
    this.#keeper.drop(receipt);
  }

  add(chunk: Chunk): void {
    log.debug?.(chunkFields(chunk), "message taken on");
    const { watch, pump } = this.#options;
    this.#chunks.add(chunk);
    this.#holds.add(chunk);
    watch.enter(chunk.message.run, pump);
  }

  /** Nothing depends on it any more. False: it was not open. */
  delete(chunk: Chunk): boolean {
    if (!this.#chunks.delete(chunk)) return false;
    this.#keeper.drop(chunk.delivery.receipt);
    this.#holds.drop(chunk);
    this.#options.watch.leave(chunk.message.run);
    return true;
  }

  get isEmpty(): boolean {
    return this.#chunks.size === 0;
  }

  /** Of deliveries whose message still stands for some call. */
  get receipts(): string[] {
    return [...this.#chunks].map(({ delivery }) => delivery.receipt);
  }

  /** The shortest time that an attempt of any of their calls may take, in milliseconds; Infinity when there are none. */
  get shortestMs(): number {
    return Math.min(...[...this.#chunks].map((chunk) => chunk.shortestMs));
  }

  close(): void {
    this.#keeper.close();
    this.#holds.close();
  }
}
