import dynalite from "dynalite";
import { once } from "node:events";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface DynamoStore {
  readonly url: string;
  /** What stands in the way of every request from now on; it calls `serve` for those that are to be answered. */
  intercept(interceptor: Interceptor): void;
  /** Sockets that are open. */
  readonly connections: number;
  /** Ends the listener and every connection. */
  close(): Promise<void>;
}

type Interceptor = (request: IncomingMessage, response: ServerResponse, serve: () => void) => void;

/**
 * A DynamoDB on any free port of 127.0.0.1, which another machine could be: `clock` (epoch milliseconds) is what it
 * dates its answers by. It has no conditional failure that tells the item, no time-to-live, and no throttling.
 */
export async function startDynamoStore(clock: () => number = Date.now): Promise<DynamoStore> {
  const server = dynalite({ createTableMs: 0 });
  const [handler] = server.listeners("request") as [RequestListener];
  let interceptor: Interceptor = (_request, _response, serve) => serve();
  server.removeAllListeners("request");
  server.on("request", (request, response) => {
    // Node writes a second too late when it was busy at its turn.
    response.setHeader("date", new Date(clock()).toUTCString());
    interceptor(request, response, () => handler(request, response));
  });
  let connections = 0;
  server.on("connection", (socket) => {
    connections++;
    socket.once("close", () => connections--);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    intercept: (given) => void (interceptor = given),
    get connections() {
      return connections;
    },
    close: async () => {
      const closed = server.listening ? once(server, "close") : undefined;
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** The JSON of a request, which is being served meanwhile. */
export async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  const reading = once(request, "end");
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  await reading;
  return JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
}
