import type {
  Broker,
  Delayed,
  Delivery,
  Depth,
  Outgoing,
  ReceiveOptions,
  Topic,
} from "../../shared/broker/broker.ts";
import type { FilterPolicy, QueueSpec, SubscriptionSpec } from "../../shared/broker/topology.ts";
import { laneTopology, sharedTopology } from "../../shared/broker/topology.ts";
import type { Dice } from "../faults/dice.ts";
import { SimulatedProcess } from "./simulated-process.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** What a broker may do by its contract, and seldom does: shares of the messages that it befalls, 0–1. */
export interface Cruelty {
  /** What is published or sent lies there twice. */
  readonly doubles: number;
  /** What is received stays visible, for another to receive as well. */
  readonly exposes: number;
  /** What is removed comes once more. */
  readonly haunts: number;
  /** A receive brings nothing, or less than there is. */
  readonly hides: number;
  /** Messages come in any order. */
  readonly shuffles: boolean;
}

export interface StoredMessage {
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly sentAt: number;
  visibleAt: number;
  receives: number;
  /** Of the last receive. */
  receipt: string | undefined;
  holder: SimulatedProcess | undefined;
  isRemoved: boolean;
}

export interface BrokerEvents {
  onAccepted(topic: Topic | undefined, queue: string, body: string): void;
  onReceived(queue: string, body: string): void;
  /** A message is there once more than it was sent. */
  onDoubled(queue: string, body: string): void;
}

interface Queue {
  readonly spec: QueueSpec;
  messages: StoredMessage[];
  /** Of receives that wait. */
  wakers: (() => void)[];
}

/** SNS and SQS in memory, as cruel as they may be: the environment's model. Topics, filters and redrive are the real ones. */
export class CruelBroker implements Broker {
  readonly #time: VirtualTime;
  readonly #dice: Dice;
  readonly #events: BrokerEvents;
  #cruelty: Cruelty;
  readonly #lanes = new Set<string>();
  readonly #queues = new Map<string, Queue>();
  #subscriptions: readonly SubscriptionSpec[] = [];
  #receipts = 0;

  constructor(time: VirtualTime, dice: Dice, cruelty: Cruelty, events: BrokerEvents) {
    this.#time = time;
    this.#dice = dice;
    this.#cruelty = cruelty;
    this.#events = events;
    this.#take([]);
  }

  be(cruelty: Cruelty): void {
    this.#cruelty = cruelty;
  }

  async ensure(lanes: readonly string[]): Promise<void> {
    this.#take(lanes);
  }

  async publish(topic: Topic, entries: readonly Outgoing[]): Promise<void> {
    for (const entry of entries) {
      for (const { topic: from, queue, filter } of this.#subscriptions) {
        if (from === topic && passes(entry.attributes ?? {}, filter)) {
          this.#put(queue, entry, topic);
        }
      }
    }
  }

  async send(queue: string, entries: readonly Delayed[]): Promise<void> {
    for (const entry of entries) this.#put(queue, entry);
  }

  async receive(name: string, options: ReceiveOptions): Promise<Delivery[]> {
    const queue = this.#queue(name);
    const until = this.#time.now + options.waitSeconds * 1000;
    for (;;) {
      if (SimulatedProcess.current?.isDead === true || options.signal?.aborted === true) return [];
      const found = this.#takeSome(queue, options);
      if (found.length > 0 || this.#time.now >= until) return found;
      const next = queue.messages.reduce((first, each) => Math.min(first, each.visibleAt), until);
      await this.#change(queue, next > this.#time.now ? next : until, options.signal);
    }
  }

  async remove(name: string, receipts: readonly string[]): Promise<void> {
    const queue = this.#queue(name);
    for (const message of this.#of(queue, receipts)) {
      if (!message.isRemoved && this.#dice.chance(this.#cruelty.haunts)) {
        message.isRemoved = true;
        message.visibleAt = this.#time.now + this.#dice.between(0, 40_000);
        this.#events.onDoubled(name, message.body);
      } else queue.messages.splice(queue.messages.indexOf(message), 1);
    }
  }

  async extend(name: string, receipts: readonly string[], seconds: number): Promise<string[]> {
    const held = this.#of(this.#queue(name), receipts);
    for (const message of held) message.visibleAt = this.#time.now + seconds * 1000;
    const known = new Set(held.map(({ receipt }) => receipt));
    return receipts.filter((receipt) => !known.has(receipt));
  }

  async release(name: string, receipts: readonly string[]): Promise<void> {
    const queue = this.#queue(name);
    for (const message of this.#of(queue, receipts)) message.visibleAt = this.#time.now;
    wake(queue);
  }

  async lanes(): Promise<string[]> {
    return [...this.#lanes].toSorted();
  }

  async depth(name: string): Promise<Depth> {
    const depth = { visible: 0, notVisible: 0, delayed: 0 };
    for (const { isRemoved, visibleAt, receives } of this.#queue(name).messages) {
      if (isRemoved) continue;
      if (visibleAt <= this.#time.now) depth.visible++;
      else if (receives > 0) depth.notVisible++;
      else depth.delayed++;
    }
    return depth;
  }

  async close(): Promise<void> {}

  /** All that lies in the queue, removed or not. */
  peek(name: string): readonly StoredMessage[] {
    return this.#queues.get(name)?.messages ?? [];
  }

  get queueNames(): readonly string[] {
    return [...this.#queues.keys()];
  }

  #take(lanes: readonly string[]): void {
    for (const lane of lanes) this.#lanes.add(lane);
    const topologies = [sharedTopology([...this.#lanes]), ...[...this.#lanes].map(laneTopology)];
    for (const spec of topologies.flatMap(({ queues }) => queues)) {
      if (!this.#queues.has(spec.name)) {
        this.#queues.set(spec.name, { spec, messages: [], wakers: [] });
      }
    }
    this.#subscriptions = topologies.flatMap(({ subscriptions }) => subscriptions);
  }

  #queue(name: string): Queue {
    const queue = this.#queues.get(name);
    if (queue === undefined) throw new Error(`no queue ${name}`);
    return queue;
  }

  #put(name: string, { body, attributes = {}, delaySeconds = 0 }: Delayed, topic?: Topic): void {
    const queue = this.#queue(name);
    const sentAt = this.#time.now;
    const copies = this.#dice.chance(this.#cruelty.doubles) ? 2 : 1;
    this.#events.onAccepted(topic, name, body);
    if (copies === 2) this.#events.onDoubled(name, body);
    for (let copy = 0; copy < copies; copy++) {
      queue.messages.push({
        body,
        attributes,
        sentAt,
        visibleAt: sentAt + delaySeconds * 1000,
        receives: 0,
        receipt: undefined,
        holder: undefined,
        isRemoved: false,
      });
    }
    wake(queue);
  }

  #takeSome(queue: Queue, { maxMessages, visibilitySeconds }: ReceiveOptions): Delivery[] {
    const { spec } = queue;
    const { now } = this.#time;
    const seconds = visibilitySeconds ?? spec.visibilitySeconds;
    const deliveries: Delivery[] = [];
    const visible = queue.messages.filter(({ visibleAt }) => visibleAt <= now);
    if (visible.length > 0 && this.#dice.chance(this.#cruelty.hides)) visible.pop();
    while (visible.length > 0 && deliveries.length < maxMessages) {
      const at = this.#cruelty.shuffles ? this.#dice.between(0, visible.length - 1) : 0;
      const [message] = visible.splice(at, 1) as [StoredMessage];
      if (spec.redrive !== undefined && message.receives >= spec.redrive.maxReceives) {
        queue.messages.splice(queue.messages.indexOf(message), 1);
        this.#queue(spec.redrive.queue).messages.push({ ...message, receives: 0, visibleAt: now });
        continue;
      }
      message.receives++;
      message.receipt = `${spec.name} ${++this.#receipts}`;
      message.holder = SimulatedProcess.current;
      message.visibleAt = now + seconds * 1000;
      const { body, attributes, receipt, receives: receiveCount, sentAt } = message;
      deliveries.push({ receipt, body, attributes, receiveCount, sentAt });
      this.#events.onReceived(spec.name, body);
      if (this.#dice.chance(this.#cruelty.exposes)) {
        message.visibleAt = now + this.#dice.between(0, 5_000);
        this.#events.onDoubled(spec.name, body);
      }
    }
    return deliveries;
  }

  /** Those that were received last under one of these receipts. */
  #of(queue: Queue, receipts: readonly string[]): StoredMessage[] {
    return queue.messages.filter(
      ({ receipt }) => receipt !== undefined && receipts.includes(receipt),
    );
  }

  /** Resolves at that time, or sooner if something has changed. */
  async #change(queue: Queue, at: number, signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.#time.set(resolve, at - this.#time.now);
      const end = (): void => {
        timer.clear();
        signal?.removeEventListener("abort", end);
        resolve();
      };
      signal?.addEventListener("abort", end, { once: true });
      queue.wakers.push(end);
    });
  }
}

export const KIND: Cruelty = { doubles: 0, exposes: 0, haunts: 0, hides: 0, shuffles: false };

function wake(queue: Queue): void {
  const { wakers } = queue;
  queue.wakers = [];
  for (const waker of wakers) waker();
}

function passes(attributes: Readonly<Record<string, string>>, filter?: FilterPolicy): boolean {
  return Object.entries(filter ?? {}).every(([name, conditions]) => {
    const value = attributes[name];
    return conditions.some((condition) => {
      if (typeof condition === "string") return value === condition;
      if ("exists" in condition) return condition.exists === (value !== undefined);
      return value !== undefined && !condition["anything-but"].includes(value);
    });
  });
}
