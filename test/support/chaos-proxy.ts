import { once } from "node:events";
import { createServer, connect } from "node:net";
import type { AddressInfo, Socket } from "node:net";

/**
 * A TCP proxy on 127.0.0.1 that does to connections what networks do.
 *
 * Each of its faults lasts until the next `clear`; `cut` is over at once. What one end closes is closed at the other
 * without delay, so that the server behind it knows at once what its client has given up.
 */
export interface ChaosProxy {
  /** `http://127.0.0.1:49152`, without a slash at the end. */
  readonly url: string;
  /** Connections cut so far, by whichever fault. */
  readonly cuts: number;
  /** Resets every connection that is open. Returns how many. */
  cut(): number;
  /** Resets every connection that is open, and each new one at once. */
  goDark(): void;
  /** From now on each piece of data takes so much longer, in either direction. */
  delay(ms: number): void;
  /** Of the pieces that come now, in either direction, this share (0 to 1) is rubbish; then the connection is cut. */
  garble(share: number, random: () => number): void;
  /** From now on what is sent arrives, and no answer does: its connection is cut instead. */
  loseAnswers(): void;
  clear(): void;
  close(): Promise<void>;
}

/** Resolves once it listens. `target`: a port of 127.0.0.1, asked for at each connection, since it may change. */
export async function startChaosProxy(target: () => number): Promise<ChaosProxy> {
  const proxy = new Proxying(target);
  await proxy.listen();
  return proxy;
}

interface Garbling {
  readonly share: number;
  readonly random: () => number;
}

class Proxying implements ChaosProxy {
  cuts = 0;
  readonly #target: () => number;
  readonly #pairs = new Set<Pair>();
  readonly #server = createServer({ noDelay: true }, (client) => this.#accept(client));
  #dark = false;
  #losesAnswers = false;
  #delayMs = 0;
  #garbling: Garbling | undefined;

  constructor(target: () => number) {
    this.#target = target;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async listen(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  cut(): number {
    const open = this.#pairs.size;
    for (const pair of this.#pairs) pair.cut();
    this.cuts += open;
    return open;
  }

  goDark(): void {
    this.#dark = true;
    this.cut();
  }

  delay(ms: number): void {
    this.#delayMs = ms;
  }

  garble(share: number, random: () => number): void {
    this.#garbling = { share, random };
  }

  loseAnswers(): void {
    this.#losesAnswers = true;
  }

  clear(): void {
    this.#dark = false;
    this.#losesAnswers = false;
    this.#delayMs = 0;
    this.#garbling = undefined;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const pair of this.#pairs) pair.cut();
    await closed;
  }

  #accept(client: Socket): void {
    if (this.#dark) {
      this.cuts++;
      client.on("error", () => {}).resetAndDestroy();
      return;
    }
    const server = connect({ port: this.#target(), host: "127.0.0.1", noDelay: true });
    const pair = new Pair(client, server, {
      delayMs: () => this.#delayMs,
      isGarbled: () => {
        const garbling = this.#garbling;
        if (garbling === undefined || garbling.random() >= garbling.share) return false;
        this.cuts++;
        return true;
      },
      isLost: () => {
        if (this.#losesAnswers) this.cuts++;
        return this.#losesAnswers;
      },
      onClosed: () => this.#pairs.delete(pair),
    });
    this.#pairs.add(pair);
  }
}

interface PairOptions {
  readonly delayMs: () => number;
  readonly isGarbled: () => boolean;
  readonly isLost: () => boolean;
  readonly onClosed: () => void;
}

/** A client's connection and the one to the server that it stands for. */
class Pair {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #options: PairOptions;

  constructor(client: Socket, server: Socket, options: PairOptions) {
    this.#client = client;
    this.#server = server;
    this.#options = options;
    this.#join(client, server);
    this.#join(server, client);
    client.once("close", () => {
      server.destroy();
      options.onClosed();
    });
  }

  cut(): void {
    this.#client.resetAndDestroy();
    this.#server.resetAndDestroy();
  }

  #join(from: Socket, to: Socket): void {
    const { delayMs, isGarbled, isLost } = this.#options;
    // One timer at a time, since two of them may fire in another order than they were set in.
    const waiting: { readonly at: number; readonly act: () => void }[] = [];
    const next = (): void => {
      const [first] = waiting;
      if (first === undefined) return;
      const leftMs = first.at - performance.now();
      if (leftMs > 0) {
        setTimeout(next, leftMs);
        return;
      }
      waiting.shift();
      first.act();
      next();
    };
    const later = (act: () => void): void => {
      const ms = delayMs();
      if (ms === 0 && waiting.length === 0) {
        act();
        return;
      }
      waiting.push({ at: performance.now() + ms, act });
      if (waiting.length === 1) next();
    };
    from.on("data", (piece: Buffer) => {
      if (from === this.#server && isLost()) {
        this.cut();
      } else if (isGarbled()) {
        // Nothing that could pass for HTTP, whatever it stands in the middle of.
        later(() => {
          if (to.writable) to.write(Buffer.alloc(piece.length, "\u0000\u00ff garbled \u0007"));
          this.cut();
        });
      } else {
        later(() => {
          if (to.writable) to.write(piece);
        });
      }
    });
    // The answer's last pieces may still be on their way.
    if (from === this.#server) from.once("close", () => later(() => to.end()));
    from.on("error", () => {});
  }
}
