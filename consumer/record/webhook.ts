import { setTimeout as sleep } from "node:timers/promises";
import pRetry, { AbortError } from "p-retry";
import { environmentVariable } from "../../shared/environment.ts";
import { messageOf } from "../../shared/errors.ts";
import type { OnSettled } from "../../shared/model/on-settled.ts";
import type { SettledEvent } from "../../shared/model/settled-event.ts";
import { replaceReferences } from "../../shared/secrets/references.ts";
import { buildRequest } from "../execute/request.ts";

/** One try, from its start to the answer's headers. */
const TRY_MS = 10_000;
/** All tries and the waits between them: a run that ends waits for them. */
const ALL_MS = 30_000;
const MAX_RETRIES = 4;
const FIRST_WAIT_MS = 1_000;
/** Answers below 500 that another try may mend (RFC 9110, 15.5.9; RFC 6585, 4). */
const MAY_PASS: ReadonlySet<number> = new Set([408, 425, 429]);

/**
 * Posts the event as JSON, with its id as `Idempotency-Key`, since it may arrive twice. Redirects are not followed: they
 * would turn it into a GET. References are resolved here, and stand in no error. Throws once it is given up, in one line
 * that says why; at once where no other try would help, and when the signal aborts.
 */
export async function postWebhook(
  { webhook = "", headers = {} }: OnSettled,
  event: SettledEvent,
  signal: AbortSignal,
  /** Shorter in tests. */
  firstWaitMs = FIRST_WAIT_MS,
): Promise<void> {
  const call = { id: event.id, method: "POST", url: webhook, headers, key: event.id } as const;
  const request = buildRequest(call, event.run, { headers: JSON_TYPE }, [], { resolve });
  const body = JSON.stringify(event);
  const endsAt = performance.now() + ALL_MS;
  let tries = 0;
  try {
    await pRetry(
      async () => {
        tries++;
        const leftMs = Math.max(1, Math.floor(Math.min(TRY_MS, endsAt - performance.now())));
        const response = await fetch(request.origin + request.path, {
          method: "POST",
          headers: inPairs(request.headers),
          body,
          redirect: "manual",
          signal: AbortSignal.any([signal, AbortSignal.timeout(leftMs)]),
        });
        await response.body?.cancel();
        if (response.ok) return;
        const error = new Error(`HTTP ${response.status}`);
        const isFinal = response.status < 500 && !MAY_PASS.has(response.status);
        throw isFinal ? new AbortError(error) : error;
      },
      {
        retries: MAX_RETRIES,
        minTimeout: 0,
        onFailedAttempt: async ({ attemptNumber, retriesLeft }) => {
          const waitMs = firstWaitMs * 2 ** (attemptNumber - 1);
          if (retriesLeft === 0 || performance.now() + waitMs > endsAt) return;
          await sleep(waitMs, undefined, { signal });
        },
        shouldRetry: () => performance.now() < endsAt,
        signal,
      },
    );
  } catch (error) {
    throw new Error(`${causeOf(error)}, after ${tries === 1 ? "one try" : `${tries} tries`}`, {
      cause: error,
    });
  }
}

/** Variables only, as a plan is held to: where runs are recorded there are no stores of secrets. */
function resolve(text: string): string {
  return replaceReferences(text, (name) => {
    const value = environmentVariable(name.replace(/^env:/, ""));
    if (value !== undefined) return value;
    throw new Error(`environment variable ${name.slice(4)} is not set in the recorder`);
  });
}

const JSON_TYPE = { "content-type": "application/json" };

function inPairs(headers: readonly string[]): [string, string][] {
  return headers.flatMap((name, index) =>
    index % 2 === 0 ? [[name, headers[index + 1] ?? ""] as [string, string]] : [],
  );
}

/** What `fetch` throws says why only in its cause. */
function causeOf(error: unknown): string {
  const { name, cause } = error as Error;
  if (name === "TimeoutError") return `no answer within ${TRY_MS / 1_000} s`;
  return cause instanceof Error && cause.message !== "" ? cause.message : messageOf(error);
}
