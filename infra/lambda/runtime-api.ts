import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/**
 * The runtime API of one execution environment, as AWS's runtime client calls it. Source: Lambda developer guide,
 * "Using the Lambda runtime API", version 2018-06-01: `next` waits for an event; `response` and `error` answer it;
 * `init/error` says that the function did not load.
 */
export interface LambdaError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace: readonly string[];
}

export interface RuntimeEvent {
  readonly requestId: string;
  /** JSON. */
  readonly body: string;
  /** Epoch milliseconds at which the function is ended. */
  readonly deadlineAt: number;
  readonly functionArn: string;
}

export type RuntimeAnswer =
  | { readonly kind: "returned"; readonly result: unknown }
  | { readonly kind: "threw"; readonly error: LambdaError };

/** States: starting until the runtime asks for its first event, or says that it could not load; then idle ⇄ invoking. */
export class RuntimeApi {
  /** Resolves when the function has loaded and waits; with the error when it could not load. */
  readonly started: Promise<LambdaError | undefined>;
  readonly #server: Server;
  #start: (error: LambdaError | undefined) => void = () => {};
  #waiting: ServerResponse | undefined;
  #event: RuntimeEvent | undefined;
  #answer: ((answer: RuntimeAnswer) => void) | undefined;

  private constructor(server: Server) {
    this.#server = server;
    this.started = new Promise((resolve) => {
      this.#start = resolve;
    });
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      this.#receive(request, response).catch(() => response.destroy());
    });
  }

  static async listen(): Promise<RuntimeApi> {
    // An environment may wait for its next event as long as it likes.
    const server = createServer({ requestTimeout: 0, keepAliveTimeout: 0 });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new RuntimeApi(server);
  }

  /** Host and port, as `AWS_LAMBDA_RUNTIME_API` has them. */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** One event at a time. Never resolves when the runtime dies on it. */
  invoke(event: RuntimeEvent): Promise<RuntimeAnswer> {
    return new Promise((resolve) => {
      this.#answer = resolve;
      this.#event = event;
      this.#deliver();
    });
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, , , what, id, end] = (request.url ?? "").split("/");
    if (what === "invocation" && id === "next") {
      this.#waiting = response;
      this.#start(undefined);
      this.#deliver();
      return;
    }
    const body = await text(request);
    if (what === "init") {
      this.#start(JSON.parse(body) as LambdaError);
    } else if (end === "response") {
      this.#settle({ kind: "returned", result: JSON.parse(body) as unknown });
    } else if (end === "error") {
      this.#settle({ kind: "threw", error: JSON.parse(body) as LambdaError });
    }
    response.writeHead(202).end();
  }

  #settle(answer: RuntimeAnswer): void {
    this.#answer?.(answer);
    this.#answer = undefined;
  }

  #deliver(): void {
    const event = this.#event;
    const response = this.#waiting;
    if (event === undefined || response === undefined) return;
    this.#event = undefined;
    this.#waiting = undefined;
    response.writeHead(200, {
      "content-type": "application/json",
      "lambda-runtime-aws-request-id": event.requestId,
      "lambda-runtime-deadline-ms": String(event.deadlineAt),
      "lambda-runtime-invoked-function-arn": event.functionArn,
    });
    response.end(event.body);
  }
}
