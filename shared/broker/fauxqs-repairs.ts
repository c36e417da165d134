import { Server } from "node:net";
import type { Socket } from "node:net";
import type { DatabaseSync } from "node:sqlite";

/**
 * Faults of fauxqs 2.4.1 that matter to senpu, mended in the one thread that runs it, before it starts. Each is
 * guarded: where the part that it mends is not found, it does nothing, and the tests of the embedded broker tell.
 * `test/shared/broker/fauxqs-faults.test.ts` shows each on the package as it is, and fails once it has gone.
 */
export async function repairFauxqs(): Promise<void> {
  listenOnLoopbackOnly();
  const store = await load("sqs/sqsStore");
  const queue = prototypeOf(store, "SqsQueue");
  const persistence = prototypeOf(await load("persistence"), "PersistenceManager");
  const sqs = prototypeOf(await load("sqs/sqsRouter"), "SqsRouter");
  const sns = prototypeOf(await load("sns/snsRouter"), "SnsRouter");
  acceptAllOfUnicode((await load("sqs/sqsTypes"))?.["INVALID_MESSAGE_BODY_CHAR"]);
  forgetDeadPolls(sqs, queue);
  commitOncePerRequest(persistence, queue, [sqs, sns]);
}

/** It listens on 0.0.0.0 whatever `host` says, and asks nobody for a password. */
function listenOnLoopbackOnly(): void {
  const server = Server.prototype as unknown as {
    listen: (this: Server, ...args: unknown[]) => Server;
  };
  const { listen } = server;
  server.listen = function (...args) {
    const [options, ...rest] = args;
    if (typeof options !== "object" || options === null) {
      throw new Error("no options to listen with");
    }
    return listen.call(this, { ...options, host: "127.0.0.1" }, ...rest);
  };
}

/** SendMessage refuses what lies beyond U+FFFF (an emoji), which SQS allows: its pattern sees halves of pairs. */
function acceptAllOfUnicode(invalid: unknown): void {
  if (!(invalid instanceof RegExp)) return;
  const outside = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;
  invalid.test = (text) => outside.test(text);
}

/**
 * A long poll whose client has gone waits on, takes the next message, and hides it for its visibility timeout.
 * So it is taken off the queue's list of waiters when its connection closes; its promise is then never settled.
 */
function forgetDeadPolls(router: Prototype, queue: Prototype): void {
  const wait = queue?.["waitForMessages"] as Wait | undefined;
  if (!queue || !wait) return;
  // A handler runs as far as the wait in one turn, so one variable can say whose wait it is.
  let client: Socket | undefined;
  wrapHandlers(router, (handler) => (body, stores, request) => {
    client = (request as { raw?: { socket?: Socket } } | undefined)?.raw?.socket;
    try {
      return handler(body, stores, request);
    } finally {
      client = undefined;
    }
  });
  queue["waitForMessages"] = async function (this: Waiting, seconds: number) {
    const others = new Set(this.pollWaiters);
    const waited = wait.call(this, seconds);
    const own = this.pollWaiters.find((waiter) => !others.has(waiter));
    const socket = client;
    const forget = () => {
      if (!own || !this.pollWaiters.includes(own)) return;
      this.pollWaiters.splice(this.pollWaiters.indexOf(own), 1);
      clearTimeout(own.timer);
      this.stopPollTimerIfEmpty();
    };
    socket?.once("close", forget);
    await waited;
    socket?.off("close", forget);
  } satisfies Wait;
}

type Wait = (this: Waiting, seconds: number) => Promise<void>;

/** The parts of its queue that {@link forgetDeadPolls} touches. */
interface Waiting {
  readonly pollWaiters: { readonly timer: NodeJS.Timeout }[];
  stopPollTimerIfEmpty(): void;
}

/**
 * It commits, and so waits for the disk, once for each message and queue: twenty times for a publish of ten messages.
 * One transaction for each request is as durable, since the answer leaves after the commit.
 */
function commitOncePerRequest(
  persistence: Prototype,
  queue: Prototype,
  routers: readonly Prototype[],
): void {
  const loadAll = persistence?.["loadSqsAndSns"] as Handler | undefined;
  const dequeue = queue?.["dequeue"] as Handler | undefined;
  if (!persistence || !queue || !loadAll || !dequeue) return;
  let database: DatabaseSync | undefined;
  const inTransaction = <T>(work: () => T): T => {
    if (!database?.isOpen || database.isTransaction) return work();
    database.exec("BEGIN");
    try {
      return work();
    } finally {
      // After a refusal too: what was written until then is in memory as well.
      commit(database);
    }
  };
  persistence["loadSqsAndSns"] = function (this: { db: DatabaseSync }, ...args: unknown[]) {
    loadAll.apply(this, args);
    database = this.db;
  };
  // A long poll takes its messages after its handler's own turn has ended.
  queue["dequeue"] = function (this: unknown, ...args: unknown[]) {
    return inTransaction(() => dequeue.apply(this, args));
  };
  for (const router of routers) {
    wrapHandlers(
      router,
      (handler) =>
        (...args) =>
          inTransaction(() => handler(...args)),
    );
  }
}

/** A disk that is full must not leave a transaction open, to which later requests would write without a commit. */
function commit(database: DatabaseSync): void {
  try {
    database.exec("COMMIT");
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

type Handler = (this: unknown, ...args: unknown[]) => unknown;
type Prototype = Record<string, unknown> | undefined;

/** Wraps each action's handler when the router is told of it. */
function wrapHandlers(
  router: Prototype,
  wrap: (handler: (...args: unknown[]) => unknown) => Handler,
): void {
  const register = router?.["register"] as Handler | undefined;
  if (!router || !register) return;
  router["register"] = function (this: unknown, action: string, handler: Handler) {
    register.call(this, action, wrap(handler));
  };
}

/** A module inside the package, the very one that the package itself uses; undefined when it has no such file. */
async function load(name: string): Promise<Record<string, unknown> | undefined> {
  try {
    const url = new URL(`./${name}.js`, import.meta.resolve("fauxqs"));
    return (await import(url.href)) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function prototypeOf(module: Record<string, unknown> | undefined, name: string): Prototype {
  return (module?.[name] as { prototype?: Prototype } | undefined)?.prototype;
}
