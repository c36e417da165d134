import { Guard } from "../../shared/guard/guard.ts";
import type { Survey } from "../plan/survey.ts";

/** Calls that a run would not make, since their host is internal and the plan does not allow it. */
export interface BlockedOrigin {
  readonly lane: string;
  readonly origin: string;
  readonly calls: number;
  /** Why, and what to write if the host is meant. */
  readonly reason: string;
}

/** Names that lead to this machine wherever they are looked up (RFC 6761). */
const LOCAL_NAME = /^(.+\.)?localhost\.?$/;

/**
 * Those whose host is an address, or a name of this machine. Other names are judged once they are resolved, which is when
 * the run connects: nothing is asked of anybody here. Pure.
 */
export function findBlocked({ lanes }: Survey, allow: readonly string[]): BlockedOrigin[] {
  const guard = new Guard(allow);
  return lanes.flatMap(({ lane, origins }) =>
    origins.flatMap(({ origin, calls }) => {
      const reason = whyBlocked(guard, origin, allow);
      return reason === undefined ? [] : [{ lane, origin, calls, reason }];
    }),
  );
}

function whyBlocked(guard: Guard, origin: string, allow: readonly string[]): string | undefined {
  const hostname = URL.parse(origin)?.hostname;
  if (hostname === undefined) return undefined;
  if (!LOCAL_NAME.test(hostname)) return guard.judge(hostname)?.message;
  const isMeant = allow.some((entry) => entry.toLowerCase() === hostname.replace(/\.$/, ""));
  return isMeant ? undefined : guard.judge("127.0.0.1")?.message;
}
