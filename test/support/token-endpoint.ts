import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

type Answer = (response: ServerResponse, request: IncomingMessage, body: string) => void;

/** A local token endpoint (RFC 6749, 4.4) that answers as it is told. */
export interface TokenEndpoint {
  readonly url: string;
  /** Requests so far. */
  readonly requests: readonly {
    readonly authorization: string | undefined;
    readonly body: string;
  }[];
  /** How it answers from now on. */
  answer: Answer;
  close(): Promise<void>;
}

/** Answers with this JSON. */
export function json(value: unknown, status = 200): Answer {
  return (response) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(value));
  };
}

export async function startTokenEndpoint(answer: Answer): Promise<TokenEndpoint> {
  const requests: { authorization: string | undefined; body: string }[] = [];
  const receive = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    requests.push({ authorization: request.headers.authorization, body });
    endpoint.answer(response, request, body);
  };
  const server = createServer((request, response) => void receive(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const endpoint: TokenEndpoint = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    requests,
    answer,
    close: async () => {
      const closed = server.listening ? once(server, "close") : undefined;
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  return endpoint;
}
