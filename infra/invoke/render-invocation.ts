import type { BatchResponse } from "../../shared/lambda/sqs-event.ts";
import type { Invocation, InvocationEnd } from "../lambda/execution-environment.ts";

export interface InvocationLimits {
  readonly timeoutMs: number;
  readonly memoryMb: number;
}

/** What `--json` prints of an invocation. */
export function invocationAsJson(
  { requestId, end, durationMs, initMs, maxMemoryMb }: Invocation,
  { memoryMb }: InvocationLimits,
): Record<string, unknown> {
  return {
    requestId,
    ...end,
    durationMs: round(durationMs),
    billedMs: billedMs(durationMs, initMs),
    initMs: initMs === undefined ? null : round(initMs),
    memoryMb,
    maxMemoryMb,
  };
}

/** The line that Lambda writes into its log after each event, but that initialisation counts as billed, as it is since 2025. */
export function reportLine(invocation: Invocation, { memoryMb }: InvocationLimits): string {
  const { requestId, durationMs, initMs, maxMemoryMb } = invocation;
  return [
    `REPORT RequestId: ${requestId}`,
    `Duration: ${durationMs.toFixed(2)} ms`,
    `Billed Duration: ${billedMs(durationMs, initMs)} ms`,
    `Memory Size: ${memoryMb} MB`,
    `Max Memory Used: ${maxMemoryMb} MB`,
    ...(initMs === undefined ? [] : [`Init Duration: ${initMs.toFixed(2)} ms`]),
  ].join("\t");
}

/** What was wrong, in a line or two; undefined when nothing was. */
export function complaint(end: InvocationEnd, limits: InvocationLimits): string | undefined {
  if (end.kind === "returned") {
    const failures = batchItemFailures(end.result);
    return failures.length === 0
      ? undefined
      : `${failures.length} messages were reported as failed, and would come again: ${failures.join(", ")}`;
  }
  return faultOf(end, limits);
}

function faultOf(
  end: Exclude<InvocationEnd, { kind: "returned" }>,
  { timeoutMs, memoryMb }: InvocationLimits,
): string {
  switch (end.kind) {
    case "threw":
      return `the handler threw ${end.error.errorType}: ${end.error.errorMessage}`;
    case "not loaded":
      return `the function did not load: ${end.error.errorType}: ${end.error.errorMessage}`;
    case "timed out":
      return `Task timed out after ${(timeoutMs / 1_000).toFixed(2)} seconds; give it more with --timeout`;
    case "out of memory":
      return `Runtime exited: more than ${memoryMb} MB of memory used; give it more with --memory`;
    case "exited":
      break;
  }
  return `Runtime exited without a reason (${end.how})`;
}

function batchItemFailures(result: unknown): string[] {
  const failures = (result as BatchResponse | null)?.batchItemFailures;
  return Array.isArray(failures)
    ? (failures as { itemIdentifier?: unknown }[]).map(({ itemIdentifier }) =>
        String(itemIdentifier),
      )
    : [];
}

/** To the whole millisecond, upwards. Source: Lambda pricing; initialisation is billed since August 2025. */
function billedMs(durationMs: number, initMs = 0): number {
  return Math.ceil(durationMs + initMs);
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}
