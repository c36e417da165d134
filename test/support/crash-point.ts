import type { Session } from "../../shared/session.ts";

/** One moment at which a process dies: before or after the `nth` call of a port's method whose arguments match. */
export interface CrashPoint {
  readonly port: "broker" | "ledger" | "coordination" | "claims" | "answers";
  readonly method: string;
  /** A regular expression over the arguments as JSON; absent: any. */
  readonly match?: string;
  /** From 1. Default 1. */
  readonly nth?: number;
  readonly when: "before" | "after";
}

/** The session with a port that kills this very process, with SIGKILL, when the moment comes. */
export function withCrash(session: Session, point: CrashPoint): Session {
  return { ...session, [point.port]: crashing(session[point.port], point) };
}

function crashing<Port extends object>(port: Port, point: CrashPoint): Port {
  const pattern = new RegExp(point.match ?? "", "s");
  let left = point.nth ?? 1;
  return new Proxy(port, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      const method = value.bind(target) as (...args: unknown[]) => unknown;
      if (name !== point.method) return method;
      return async (...args: unknown[]) => {
        const text = JSON.stringify(args, (_key, field: unknown) =>
          field instanceof AbortSignal ? null : field,
        );
        const now = pattern.test(text) && --left === 0;
        if (now && point.when === "before") die();
        const result = await method(...args);
        if (now) die();
        return result;
      };
    },
  });
}

function die(): void {
  process.kill(process.pid, "SIGKILL");
}

/** Lane messages come back after so many seconds, so that a test of redelivery takes no half minute. */
export function withShortVisibility(session: Session, seconds: number): Session {
  const broker = new Proxy(session.broker, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      const method = value.bind(target) as (...args: unknown[]) => unknown;
      if (name !== "receive") return method;
      return (queue: string, options: object) =>
        method(
          queue,
          queue.startsWith("lane-") ? { ...options, visibilitySeconds: seconds } : options,
        );
    },
  });
  return { ...session, broker };
}
