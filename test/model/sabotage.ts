import { randomUUID } from "node:crypto";
import type { Broker, Outgoing } from "../../shared/broker/broker.ts";
import { deadQueue } from "../../shared/broker/broker.ts";
import { laneOfQueue } from "../../shared/broker/topology.ts";
import type { Coordination } from "../../shared/coordination/coordination.ts";
import type { Ledger } from "../../shared/ledger/ledger.ts";
import { decodeMessage, encodeMessage } from "../../shared/model/message.ts";
import type { CallsMessage, Message, OutcomesMessage } from "../../shared/model/message.ts";
import { withMethods } from "./ports.ts";
import type { Sabotage, World } from "./world.ts";

/** Long enough for a death in between. */
const LATER_MS = 300;

interface Broken {
  /** What is broken. */
  readonly name: string;
  /** The invariant that must tell. */
  readonly tells: string;
  readonly sabotage: Sabotage;
}

const withBroker =
  (change: (broker: Broker) => Partial<Broker>): Sabotage =>
  (ports) => ({ ...ports, broker: withMethods(ports.broker, change(ports.broker)) });
const withCoordination =
  (change: (coordination: Coordination) => Partial<Coordination>): Sabotage =>
  (ports) => ({
    ...ports,
    coordination: withMethods(ports.coordination, change(ports.coordination)),
  });
const withLedger =
  (change: (ledger: Ledger, world: World) => Partial<Ledger>): Sabotage =>
  (ports, world) => ({
    ...ports,
    ledger: withMethods(ports.ledger, change(ports.ledger, world)),
  });

/** Messages of one kind that are published or sent, changed. */
const withMessages = <Kind extends Message["kind"]>(
  kind: Kind,
  change: (message: Message & { readonly kind: Kind }) => Message,
): Sabotage => {
  const changeAll = <Entry extends Outgoing>(entries: readonly Entry[]): Entry[] =>
    entries.map((entry) => {
      if (entry.isPlain === true) return entry;
      const message = decodeMessage(entry.body);
      if (message.kind !== kind) return entry;
      return { ...entry, body: encodeMessage(change(message as Message & { kind: Kind })) };
    });
  return withBroker((broker) => ({
    publish: (topic, entries) => broker.publish(topic, changeAll(entries)),
    send: (queue, entries) => broker.send(queue, changeAll(entries)),
  }));
};

/** Says that it is done, and does it later. */
const later = (work: () => Promise<unknown>): void => {
  setTimeout(() => void work().catch(() => {}), LATER_MS);
};

const nothing = async (): Promise<Set<string>> => new Set<string>();

const changeCalls = (
  message: CallsMessage,
  change: (call: CallsMessage["calls"][number]) => CallsMessage["calls"][number],
): CallsMessage => ({ ...message, calls: message.calls.map(change) });

const changeRows = (
  message: OutcomesMessage,
  change: (row: OutcomesMessage["succeeded"][number]) => OutcomesMessage["succeeded"][number],
): OutcomesMessage => ({ ...message, succeeded: message.succeeded.map(change) });

/** The product with something broken, each of a kind that once was, or that a change could make. */
export const BROKEN: readonly Broken[] = [
  {
    name: "a ledger that counts again what comes once",
    tells: "the figures agree",
    sabotage: withLedger((ledger, world) => ({
      record: async (records, at) => {
        const result = await ledger.record(records, at);
        await world.ledger.record(
          records.filter(({ kind }) => kind === "outcomes"),
          at,
        );
        return result;
      },
    })),
  },
  {
    name: "a ledger in which the first outcome stays",
    tells: "the best outcome that was told holds",
    sabotage: withLedger((ledger, world) => ({
      record: async (records, at) => {
        const fresh = await Promise.all(
          records.map(async (record) => {
            if (record.kind !== "outcomes") return record;
            const ids = record.outcomes.map(({ id }) => id);
            const { settled } = await world.ledger.known(record.run, ids);
            return { ...record, outcomes: record.outcomes.filter(({ id }) => !settled.has(id)) };
          }),
        );
        return ledger.record(fresh, at);
      },
    })),
  },
  {
    name: "a recorder that removes what it has not yet recorded",
    tells: "all comes to its end",
    sabotage: withLedger((ledger) => ({
      record: async (records, at) => {
        later(() => ledger.record(records, at));
        return { settled: [], stopped: [], orphans: 0 };
      },
    })),
  },
  {
    name: "workers that know no generations",
    tells: "no call of an older generation starts",
    sabotage: withCoordination((coordination) => ({
      controls: async (runs) => {
        const controls = await coordination.controls(runs);
        return new Map([...controls].map(([run, each]) => [run, { ...each, generation: 0 }]));
      },
    })),
  },
  {
    name: "workers that do not hear that a run is held",
    tells: "no call starts once its worker has seen",
    sabotage: withCoordination((coordination) => ({
      controls: async (runs) => {
        const controls = await coordination.controls(runs);
        return new Map([...controls].map(([run, each]) => [run, { ...each, state: "running" }]));
      },
    })),
  },
  {
    name: "a settler that removes before it tells",
    tells: "a call is made again only after what excuses it",
    sabotage: withBroker((broker) => ({
      publish: async (topic, entries) => {
        if (topic === "outcomes") later(() => broker.publish(topic, entries));
        else await broker.publish(topic, entries);
      },
    })),
  },
  {
    name: "a settler that tells before the letter is there",
    tells: "a failed call has a letter",
    sabotage: withBroker((broker) => ({
      send: async (queue, entries) => {
        if (queue.endsWith("-failed")) later(() => broker.send(queue, entries));
        else await broker.send(queue, entries);
      },
    })),
  },
  {
    name: "calls that are put back after their message is removed",
    tells: "all comes to its end",
    sabotage: withBroker((broker) => ({
      send: async (queue, entries) => {
        if (laneOfQueue(queue) === undefined) await broker.send(queue, entries);
        else later(() => broker.send(queue, entries));
      },
    })),
  },
  {
    name: "unsafe calls that are not marked before they start",
    tells: "an unsafe call is processed once",
    sabotage: withCoordination((coordination) => ({
      writeCheckpoint: (chunk, checkpoint, now) =>
        coordination.writeCheckpoint(
          chunk,
          checkpoint.startedBelow === undefined
            ? checkpoint
            : { ...checkpoint, startedBelow: 0, unsafe: [] },
          now,
        ),
    })),
  },
  {
    name: "a hold that holds nobody off",
    tells: "an unsafe call is processed once",
    sabotage: withCoordination((coordination) => ({
      holdChunk: async (request) => {
        const held = await coordination.holdChunk(request);
        return held.state === "ours" ? held : { state: "ours", checkpoint: undefined };
      },
      writeCheckpoint: (chunk, { holder: _1, heldUntil: _2, ...checkpoint }, now) =>
        coordination.writeCheckpoint(chunk, checkpoint, now),
    })),
  },
  {
    name: "checkpoints that nobody reads",
    tells: "a call is made again only after what excuses it",
    sabotage: withCoordination(() => ({ readCheckpoint: async () => undefined })),
  },
  {
    name: "a producer that forgets what has an outcome",
    tells: "a call is made again only after what excuses it",
    sabotage: withLedger(() => ({
      known: async () => ({
        settled: await nothing(),
        planned: await nothing(),
        succeeded: await nothing(),
      }),
    })),
  },
  {
    name: "a producer that forgets what may have been started",
    tells: "an unsafe call is processed once",
    sabotage: withCoordination(() => ({ startedUnsafe: nothing })),
  },
  {
    name: "attempts that are forgotten when a call is put back",
    tells: "a call is made again only after what excuses it",
    sabotage: withMessages("calls", (message) =>
      changeCalls(message, ({ attempts: _1, startedAt: _2, failures: _3, ...call }) => call),
    ),
  },
  {
    name: "keys that change from message to message",
    tells: "an unsafe call has one key",
    sabotage: withMessages("calls", (message) =>
      changeCalls(message, (call) => ({ ...call, key: randomUUID() })),
    ),
  },
  {
    name: "workers that give a message up when it comes again",
    tells: "a call is abandoned only after five deaths",
    sabotage: withBroker((broker) => ({
      receive: async (queue, options) => {
        const deliveries = await broker.receive(queue, options);
        const lane = laneOfQueue(queue);
        if (lane === undefined) return deliveries;
        const again = deliveries.filter(({ receiveCount }) => receiveCount > 1);
        await broker.send(deadQueue(lane), again);
        await broker.remove(
          queue,
          again.map(({ receipt }) => receipt),
        );
        return deliveries.filter(({ receiveCount }) => receiveCount === 1);
      },
    })),
  },
  {
    name: "workers that call a failure a success",
    tells: "a call that succeeded was answered well",
    sabotage: withMessages("outcomes", (message) => ({
      ...message,
      others: message.others.map(({ id, attempts, settledAt }) => ({
        id,
        attempts,
        settledAt,
        state: "succeeded",
      })),
    })),
  },
  {
    name: "workers that call a success a failure",
    tells: "a call whose every attempt succeeded has not failed",
    sabotage: withMessages("outcomes", ({ succeeded, ...message }) => ({
      ...message,
      succeeded: [],
      others: succeeded.map(([id, status, attempts, startedAt, settledAt]) => ({
        id,
        state: "failed",
        reason: "rejected",
        status,
        attempts,
        startedAt,
        settledAt,
      })),
    })),
  },
  {
    name: "workers that call what they know unknown",
    tells: "a call is unknown only where nobody can know",
    sabotage: withMessages("outcomes", (message) => ({
      ...message,
      others: message.others.map((other) => ({ ...other, reason: "unknown" })),
    })),
  },
  {
    name: "workers that count one attempt too many",
    tells: "an attempt that is told of was made",
    sabotage: withMessages("outcomes", (message) =>
      changeRows(message, ([id, status, attempts, ...rest]) => [id, status, attempts + 1, ...rest]),
    ),
  },
  {
    name: "workers that count many attempts too many",
    tells: "no more attempts are told of than may be",
    sabotage: withMessages("outcomes", (message) =>
      changeRows(message, ([id, status, attempts, ...rest]) => [id, status, attempts + 9, ...rest]),
    ),
  },
  {
    name: "a replay that takes each letter for a call",
    tells: "a replay makes each call once",
    sabotage: withBroker((broker) => ({
      receive: async (queue, options) => {
        const deliveries = await broker.receive(queue, options);
        if (!queue.endsWith("-failed")) return deliveries;
        return deliveries.map((delivery, index) => {
          const message = decodeMessage(delivery.body) as CallsMessage;
          const renamed = changeCalls(message, (call) => ({ ...call, id: `${call.id}.${index}` }));
          return { ...delivery, body: encodeMessage(renamed) };
        });
      },
    })),
  },
];
