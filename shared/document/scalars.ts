import { z } from "zod";
import { DURATION_PATTERN, formatDuration, parseDurationMs } from "../duration.ts";
import { Fault, notAllowed } from "./fault.ts";

/**
 * Pieces of the schema. Convention: the message of an issue that zod raises says what would be right (`a whole number
 * from 1 to 10`); the message of an issue of ours (`custom`) says all. `issues.ts` puts both into words.
 */

/** The outcome of `read`, whose {@link Fault} becomes an issue of the schema. */
export function check<T>(context: { issues: unknown[] }, input: unknown, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    context.issues.push({ code: "custom", message: error.message, input });
    return z.NEVER;
  }
}

/** An issue of ours about a part of what a transform was given. */
export function addFault(
  context: { issues: unknown[] },
  input: unknown,
  path: readonly (string | number)[],
  message: string,
): void {
  context.issues.push({ code: "custom", message, input, path });
}

/** An object that takes these keys and no others. */
export function closedObject<Shape extends z.core.$ZodShape>(shape: Shape) {
  const keys = Object.keys(shape).filter((key) => key !== "$schema");
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys" ? keys.join(" ") : `an object with ${keys.join(", ")}`,
  });
}

export function wholeNumber(min: number, max: number) {
  const error = `a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

/** `5%` as a share of 1. */
export function percentage(min: number, max: number) {
  const right = `a share from ${min}% to ${max}%, such as 5%`;
  return z
    .string({ error: right })
    .regex(/^\d+(\.\d+)?%$/, { error: right })
    .meta({ examples: ["5%"] })
    .transform((text, context) =>
      check(context, text, () => {
        const percent = Number.parseFloat(text);
        if (percent < min || percent > max) throw new Fault(notAllowed(text, right));
        return percent / 100;
      }),
    );
}

export function durationMs(minMs: number, maxMs: number) {
  const right = `a duration from ${formatDuration(minMs)} to ${formatDuration(maxMs)}, such as 500ms, 10s, 5m or 2h`;
  return z
    .string({ error: right })
    .regex(DURATION_PATTERN, { error: right })
    .meta({ examples: ["500ms", "10s", "5m", "2h"] })
    .transform((text, context) =>
      check(context, text, () => {
        const parsedMs = parseDurationMs(text);
        if (parsedMs === undefined || parsedMs < minMs || parsedMs > maxMs) {
          throw new Fault(notAllowed(text, right));
        }
        return parsedMs;
      }),
    );
}

/** A duration that AWS takes, in whole seconds. */
export function wholeSeconds(minMs: number, maxMs: number) {
  return durationMs(minMs, maxMs).transform((ms, context) =>
    check(context, ms, () => {
      if (ms % 1_000 === 0) return ms;
      throw new Fault(notAllowed(formatDuration(ms), "AWS wants whole seconds"));
    }),
  );
}

const MEMORY_RIGHT = "a size such as 512MB or 2GB";

/** A size, in MB; 1 GB is 1024 of them. */
export function memoryMb(minMb: number, maxMb: number) {
  return z
    .string({ error: MEMORY_RIGHT })
    .regex(/^\d{1,6}(MB|GB)$/, { error: MEMORY_RIGHT })
    .meta({ examples: ["512MB", "2GB"] })
    .transform((text, context) =>
      check(context, text, () => {
        const mb = Number.parseInt(text, 10) * (text.endsWith("GB") ? 1_024 : 1);
        if (mb >= minMb && mb <= maxMb) return mb;
        throw new Fault(notAllowed(text, `a size from ${minMb}MB to ${maxMb}MB`));
      }),
    );
}
