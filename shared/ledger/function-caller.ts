import { setTimeout as sleep } from "node:timers/promises";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import type { InvokeCommandOutput } from "@aws-sdk/client-lambda";
import { isTransient } from "../broker/patience.ts";
import { environmentVariable } from "../environment.ts";
import { SenpuError } from "../errors.ts";
import { ownEndpointSettings } from "../own-endpoint.ts";
import { LEDGER_FUNCTION_TIMEOUT_MS } from "./function-wire.ts";
import type { LedgerRequest } from "./function-wire.ts";

const CONNECTION_TIMEOUT_MS = 5_000;
/** For the function to start, beside its own time. */
const START_MS = 10_000;
const MAX_TRIES = 5;
const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 2_000;

/**
 * Asks a Lambda function and waits for its answer: AWS's, or the endpoint that `AWS_ENDPOINT_URL_LAMBDA` names.
 * States: open → closed, where nothing is tried any more.
 */
export class FunctionCaller {
  readonly name: string;
  readonly #client: LambdaClient;
  readonly #closed = new AbortController();

  /** `region`: default what the SDK finds. */
  constructor(name: string, region?: string) {
    this.name = name;
    const endpoint = environmentVariable("AWS_ENDPOINT_URL_LAMBDA") || undefined;
    this.#client = new LambdaClient({
      maxAttempts: 1,
      requestHandler: {
        connectionTimeout: CONNECTION_TIMEOUT_MS,
        requestTimeout: LEDGER_FUNCTION_TIMEOUT_MS + START_MS,
        throwOnRequestTimeout: true,
      },
      ...(region !== undefined && { region }),
      ...(endpoint !== undefined && { endpoint, ...ownEndpointSettings() }),
    });
  }

  /**
   * What the function returns. `mayRepeat`: it does no harm if it was done already; else only what surely was not done is
   * tried again. Throws SenpuError `ledger`.
   */
  async call(request: LedgerRequest, mayRepeat: boolean): Promise<unknown> {
    for (let tries = 1; ; tries++) {
      if (this.#closed.signal.aborted) throw this.#say("is closed");
      try {
        return this.#read(
          await this.#client.send(
            new InvokeCommand({ FunctionName: this.name, Payload: JSON.stringify(request) }),
            { abortSignal: this.#closed.signal },
          ),
        );
      } catch (error) {
        if (error instanceof SenpuError) throw error;
        if (this.#closed.signal.aborted) throw this.#say("was closed meanwhile", error);
        const again = wasNotDone(error) || (mayRepeat && isTransient(error));
        if (!again || tries === MAX_TRIES) throw this.#say(await this.#wordsOf(error), error);
        const delayMs = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** tries);
        await sleep(Math.random() * delayMs, undefined, { signal: this.#closed.signal }).catch(
          () => {},
        );
      }
    }
  }

  close(): void {
    this.#closed.abort();
    this.#client.destroy();
  }

  #read({ FunctionError, Payload }: InvokeCommandOutput): unknown {
    const text = Payload?.transformToString() ?? "";
    const answer = parse(text);
    if (FunctionError === undefined) return answer;
    // Source: Lambda developer guide, "Understanding Lambda function retry and error handling": errorType, errorMessage.
    const { errorMessage } = (answer ?? {}) as { errorMessage?: unknown };
    const why = typeof errorMessage === "string" ? errorMessage : FunctionError;
    throw this.#say(`failed (${why}); its log says why`);
  }

  async #wordsOf(thrown: unknown): Promise<string> {
    const { name, message } = thrown instanceof Error ? thrown : new Error(String(thrown));
    if (name === "AccessDeniedException") {
      return "may not be asked by these credentials: they need the IAM action lambda:InvokeFunction on it";
    }
    if (name === "ResourceNotFoundException") {
      const region = await this.#client.config.region().catch(() => "this region");
      return `is not there, in ${region}; is the ledger's stack deployed, and the function's name right?`;
    }
    if (name === "CredentialsProviderError" || /credentials|token/i.test(name)) {
      return `cannot be asked without credentials (${message}); sign in, or set AWS_PROFILE`;
    }
    return `cannot be asked: ${message || name}`;
  }

  #say(what: string, cause?: unknown): SenpuError {
    return new SenpuError("ledger", `ledger function ${this.name} ${what}`, { cause });
  }
}

/** It never reached the function: nobody answered, or Lambda sent it away. */
function wasNotDone(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as NodeJS.ErrnoException;
  return error.name === "TooManyRequestsException" || code === "ECONNREFUSED";
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
