import { hash } from "node:crypto";

/**
 * W3C Trace Context (https://www.w3.org/TR/trace-context/, "traceparent"): each call of a traced run is a span of its own
 * in the run's trace. Both ids are derived and not stored: so they are the same in each attempt, after a crash and in the
 * log, whoever makes the call.
 */

/** `true`: a trace of the run's own; or the `traceparent` that the producer was given, whose trace goes on. */
export type Trace = true | string;

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const OWN_FLAGS = "01";

/** The traceparent as version 00; undefined for what is none (all zeros, and version ff, are none either). */
export function readTraceparent(text: string): string | undefined {
  const [, trace = "", parent = "", flags, more] = TRACEPARENT.exec(text.trim()) ?? [];
  if (flags === undefined || text.trim().startsWith("ff")) return undefined;
  // Version 00 ends here; a later one may go on.
  if (more !== undefined && text.trim().startsWith("00")) return undefined;
  if (/^0+$/.test(trace) || /^0+$/.test(parent)) return undefined;
  return `00-${trace}-${parent}-${flags}`;
}

/** 32 hex digits: of the run's own trace, or of the one that it goes on with. */
export function traceIdOf(trace: Trace, run: string): string {
  return trace === true ? digest(`trace ${run}`, 32) : trace.slice(3, 35);
}

/** For the log. */
export function traceFields(trace: Trace | undefined, run: string): { readonly trace?: string } {
  return trace === undefined ? {} : { trace: traceIdOf(trace, run) };
}

/** The header of a call. */
export function traceparentOf(trace: Trace, run: string, call: string): string {
  const flags = trace === true ? OWN_FLAGS : trace.slice(-2);
  return `00-${traceIdOf(trace, run)}-${digest(`span ${run} ${call}`, 16)}-${flags}`;
}

function digest(text: string, digits: number): string {
  return hash("sha256", text).slice(0, digits);
}
