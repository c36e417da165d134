import { SenpuError, messageOf } from "../errors.ts";
import { answerPolicyFault } from "./answer-policy.ts";
import { authFault } from "./auth.ts";
import { METHODS } from "./call.ts";
import type { Call } from "./call.ts";
import { isClaim } from "./claim.ts";
import type { Outcome } from "./outcome.ts";
import { DEFAULT_BREAKER } from "./policy.ts";
import type { Policy } from "./policy.ts";
import { readTraceparent } from "./trace.ts";
import { abridgePolicy, completePolicy } from "./written-policy.ts";
import type { WrittenPolicy } from "./written-policy.ts";

/**
 * What travels over SNS and SQS: the types, and the one place that writes and reads them.
 * Identity is in the body, because message ids change on redrive.
 * Workers read this version and the one before, since messages are in flight while a deployment changes over.
 */
export const MESSAGE_VERSION = 2;

/** A chunk of one lane's calls. Comes from the producer, or from a worker that put calls back. */
export interface CallsMessage {
  readonly v: number;
  readonly kind: "calls";
  readonly run: string;
  /** How often the run has been (re)started, from 1; an older one's messages are dropped. */
  readonly generation: number;
  readonly lane: string;
  /** Unique within run and generation; names the chunk's checkpoint. */
  readonly chunk: string;
  readonly policy: Policy;
  readonly calls: readonly Call[];
  /** No call of it starts before this, epoch milliseconds; set on deferral. */
  readonly notBefore?: number;
  /** Its worker may have died of it: it is worked on with nothing else beside it. */
  readonly suspect?: true;
}

/** Calls that were planned but cannot be made: told to the ledger only, planned and failed at once. */
export interface InvalidMessage {
  readonly v: number;
  readonly kind: "invalid";
  readonly run: string;
  readonly generation: number;
  readonly calls: readonly InvalidCall[];
}

export interface InvalidCall {
  readonly id: string;
  readonly lane: string;
  readonly method: string;
  /** What the row would have called; empty where not even that is known. */
  readonly url: string;
  /** What is wrong, with the row's number. */
  readonly error: string;
}

/** The producer is through: so many distinct calls were planned, over all generations. */
export interface ClosedMessage {
  readonly v: number;
  readonly kind: "closed";
  readonly run: string;
  readonly generation: number;
  readonly planned: number;
}

/** What became of calls of one run. Succeeded ones, of which there are many, are rows of bare values. */
export interface OutcomesMessage {
  readonly v: number;
  readonly kind: "outcomes";
  readonly run: string;
  readonly worker: string;
  readonly lane: string;
  /** `[id, status, attempts, startedAt, settledAt, latencyMs]` */
  readonly succeeded: readonly SucceededRow[];
  /** Failed and cancelled calls, in full. */
  readonly others: readonly Outcome[];
}

export type SucceededRow = readonly [
  id: string,
  status: number,
  attempts: number,
  startedAt: number,
  settledAt: number,
  latencyMs: number,
];

export type Message = CallsMessage | InvalidMessage | ClosedMessage | OutcomesMessage;

/** The message as a body; UTF-8 JSON on one line, so that anyone can read a queue. What a policy has by default is left out. */
export function encodeMessage(message: Message): string {
  const written =
    message.kind === "calls" ? { ...message, policy: abridgePolicy(message.policy) } : message;
  return toWire(JSON.stringify(written));
}

/** JSON leaves two characters as they are that SQS does not take (SQS API reference, SendMessage). */
const UNSENDABLE = /[\uFFFE\uFFFF]/g;

/** JSON text as it may travel. */
export function toWire(json: string): string {
  return json.replace(UNSENDABLE, (character) => (character === "\uFFFE" ? "\\ufffe" : "\\uffff"));
}

/**
 * The message of a body that may come from anybody.
 * Checks every field that code relies on, copies nothing, and fills in what its policy leaves out.
 * Throws {@link SenpuError} `message`, which names the field.
 */
export function decodeMessage(body: string): Message {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (cause) {
    throw new SenpuError("message", `not JSON: ${messageOf(cause)}`, { cause });
  }
  const message = asRecord(value, "message");
  const version = message["v"];
  if (version !== MESSAGE_VERSION && version !== MESSAGE_VERSION - 1) {
    throw new SenpuError(
      "message",
      `schema version ${JSON.stringify(version)}; this worker reads ${MESSAGE_VERSION - 1} and ${MESSAGE_VERSION}`,
    );
  }
  requireText(message, "run");
  switch (message["kind"]) {
    case "calls":
      requireNumber(message, "generation");
      requireText(message, "lane");
      requireText(message, "chunk");
      checkPolicy(asRecord(message["policy"], "policy"));
      message["policy"] = completePolicy(message["policy"] as WrittenPolicy<Policy>);
      for (const call of asArray(message["calls"], "calls")) checkCall(asRecord(call, "call"));
      return value as CallsMessage;
    case "invalid":
      requireNumber(message, "generation");
      for (const entry of asArray(message["calls"], "calls")) {
        const call = asRecord(entry, "call");
        for (const field of ["id", "lane", "method", "url", "error"]) {
          if (typeof call[field] !== "string") throw wrong(`call.${field}`, "text", call[field]);
        }
      }
      return value as InvalidMessage;
    case "closed":
      requireNumber(message, "generation");
      requireNumber(message, "planned");
      return value as ClosedMessage;
    case "outcomes":
      requireText(message, "worker");
      requireText(message, "lane");
      for (const row of asArray(message["succeeded"], "succeeded")) checkSucceeded(row);
      for (const other of asArray(message["others"], "others")) {
        const outcome = asRecord(other, "outcome");
        requireText(outcome, "id");
        requireNumber(outcome, "attempts");
        requireNumber(outcome, "settledAt");
        if (
          outcome["state"] !== "failed" &&
          outcome["state"] !== "cancelled" &&
          outcome["state"] !== "succeeded"
        ) {
          throw wrong("outcome.state", "a settled state", outcome["state"]);
        }
      }
      return value as OutcomesMessage;
    default:
      throw wrong("kind", "calls, invalid, closed or outcomes", message["kind"]);
  }
}

const KNOWN_METHODS: ReadonlySet<unknown> = new Set([undefined, ...METHODS]);

function checkCall(call: Record<string, unknown>): void {
  requireText(call, "id");
  requireText(call, "url");
  if (!KNOWN_METHODS.has(call["method"])) {
    throw wrong("call.method", METHODS.join(", "), call["method"]);
  }
  if (call["headers"] !== undefined) checkHeaders(call["headers"], "call.headers");
  if (call["claim"] !== undefined && !isClaim(call["claim"])) {
    throw wrong("call.claim", "a claim", call["claim"]);
  }
  for (const field of ["body", "json", "key"] as const) {
    if (call[field] !== undefined && typeof call[field] !== "string") {
      throw wrong(`call.${field}`, "text", call[field]);
    }
  }
  for (const field of ["timeoutMs", "attempts", "startedAt"] as const) {
    if (call[field] !== undefined) requireNumber(call, field);
  }
  const failures = call["failures"];
  if (failures !== undefined && !asArray(failures, "call.failures").every(Number.isFinite)) {
    throw wrong("call.failures", "a list of numbers", failures);
  }
}

function checkPolicy(policy: Record<string, unknown>): void {
  requireNumber(policy, "timeoutMs");
  requireNumber(policy, "deadlineAt");
  requireNumber(policy, "redirects");
  checkHeaders(policy["headers"], "policy.headers");
  asArray(policy["success"], "policy.success");
  if (!asArray(policy["allow"], "policy.allow").every((entry) => typeof entry === "string")) {
    throw wrong("policy.allow", "a list of hosts and ranges", policy["allow"]);
  }
  const retry = asRecord(policy["retry"], "policy.retry");
  requireNumber(retry, "attempts");
  asArray(retry["on"], "policy.retry.on");
  checkBackoff(retry["backoff"], "policy.retry.backoff");
  if (retry["maxRetryAfterMs"] !== undefined) requireNumber(retry, "maxRetryAfterMs");
  if (retry["rules"] !== undefined) {
    for (const rule of asArray(retry["rules"], "policy.retry.rules")) {
      checkRule(asRecord(rule, "policy.retry.rules"));
    }
  }
  const { trace } = policy;
  if (trace !== undefined && trace !== true && !isTraceparent(trace)) {
    throw wrong("policy.trace", "true or a traceparent", trace);
  }
  if (policy["breaker"] !== undefined && policy["breaker"] !== null) {
    const breaker = asRecord(policy["breaker"], "policy.breaker");
    for (const field of Object.keys(DEFAULT_BREAKER)) requireNumber(breaker, field);
  }
  if (policy["auth"] !== undefined) {
    const auth = asRecord(policy["auth"], "policy.auth");
    const fault = authFault(auth);
    if (fault !== undefined) throw wrong(`policy.auth.${fault}`, "known", typeof auth[fault]);
  }
  if (policy["proxy"] !== undefined) requireText(policy, "proxy");
  if (policy["answers"] !== undefined) {
    const fault = answerPolicyFault(policy["answers"]);
    if (fault !== undefined) throw wrong(...fault, policy["answers"]);
  }
}

function isTraceparent(value: unknown): boolean {
  return typeof value === "string" && readTraceparent(value) === value;
}

function checkRule(rule: Record<string, unknown>): void {
  asArray(rule["on"], "policy.retry.rules.on");
  if (rule["attempts"] !== null) requireNumber(rule, "attempts");
  if (rule["backoff"] !== undefined) checkBackoff(rule["backoff"], "policy.retry.rules.backoff");
}

function checkBackoff(value: unknown, field: string): void {
  const backoff = asRecord(value, field);
  requireNumber(backoff, "firstMs");
  requireNumber(backoff, "factor");
  requireNumber(backoff, "maxMs");
}

function checkSucceeded(row: unknown): void {
  const [id, ...numbers] = asArray(row, "succeeded row");
  if (typeof id !== "string" || numbers.length !== 5 || !numbers.every(Number.isFinite)) {
    throw wrong("succeeded row", "[id, status, attempts, startedAt, settledAt, latencyMs]", row);
  }
}

function checkHeaders(value: unknown, field: string): void {
  for (const [name, text] of Object.entries(asRecord(value, field))) {
    if (typeof text !== "string") throw wrong(`${field}.${name}`, "text", text);
  }
}

function asRecord(value: unknown, field: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrong(field, "an object", value);
  }
  return value as Record<string, unknown>;
}

function asArray(value: unknown, field: string): unknown[] {
  if (!Array.isArray(value)) throw wrong(field, "a list", value);
  return value as unknown[];
}

function requireText(holder: Record<string, unknown>, field: string): void {
  const value = holder[field];
  if (typeof value !== "string" || value === "") throw wrong(field, "text", value);
}

function requireNumber(holder: Record<string, unknown>, field: string): void {
  if (!Number.isFinite(holder[field])) throw wrong(field, "a number", holder[field]);
}

function wrong(field: string, expected: string, found: unknown): SenpuError {
  const shown = JSON.stringify(found) ?? "nothing";
  return new SenpuError("message", `${field} should be ${expected}, and is ${shown.slice(0, 80)}`);
}
