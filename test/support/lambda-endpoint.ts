import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { afterAll, beforeAll } from "vitest";

const VARIABLE = "AWS_ENDPOINT_URL_LAMBDA";

/** A function as Lambda has it: an event in, something or an error out. */
export type Invoked = (event: unknown) => Promise<unknown>;

export interface LambdaEndpoint {
  /** By name; what is not there is not found. */
  readonly functions: Map<string, Invoked>;
  /** Answers the next invocation instead; once. False: as usual. */
  instead: ((response: ServerResponse) => boolean) | undefined;
  /** Of all invocations, by method of the event. */
  readonly invoked: string[];
}

/**
 * To be called at the top of a test file: Lambda's Invoke API over HTTP, which this process's clients then talk to.
 * Source: Lambda API reference, Invoke: an error of the function is an answer with the header X-Amz-Function-Error.
 */
export function useLambdaEndpoint(): LambdaEndpoint {
  const endpoint: LambdaEndpoint = { functions: new Map(), instead: undefined, invoked: [] };
  const server = createServer((request, response) => void answer(endpoint, request, response));
  const before = process.env[VARIABLE];
  beforeAll(async () => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    process.env[VARIABLE] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    if (before === undefined) delete process.env[VARIABLE];
    else process.env[VARIABLE] = before;
    server.close();
    server.closeAllConnections();
  });
  return endpoint;
}

async function answer(
  endpoint: LambdaEndpoint,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const text = Buffer.concat(await request.toArray()).toString();
  const [, name = ""] =
    /^\/2015-03-31\/functions\/([^/]+)\/invocations$/.exec(request.url ?? "") ?? [];
  const event = JSON.parse(text) as { method?: string };
  endpoint.invoked.push(event.method ?? "");
  const { instead } = endpoint;
  endpoint.instead = undefined;
  if (instead?.(response) === true) return;
  const invoke = endpoint.functions.get(decodeURIComponent(name));
  if (invoke === undefined) {
    refuse(response, 404, "ResourceNotFoundException", `Function not found: ${name}`);
    return;
  }
  try {
    const value = JSON.stringify(await invoke(event)) ?? "null";
    if (Buffer.byteLength(value) > 6_291_556) throw new Error("Response payload size exceeded");
    response.writeHead(200, { "content-type": "application/json" }).end(value);
  } catch (error) {
    const { name: errorType, message: errorMessage } = error as Error;
    response
      .writeHead(200, { "x-amz-function-error": "Unhandled" })
      .end(JSON.stringify({ errorType, errorMessage, trace: [] }));
  }
}

/** As Lambda's API refuses. */
export function refuse(
  response: ServerResponse,
  status: number,
  type: string,
  message: string,
): void {
  response
    .writeHead(status, { "x-amzn-errortype": type, "content-type": "application/json" })
    .end(JSON.stringify({ Type: "User", message, Message: message }));
}
