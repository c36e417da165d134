import type { InvalidCall } from "../../shared/model/message.ts";
import type { PlanEntry } from "../plan/plan.ts";

export type PlannedEntry = Exclude<PlanEntry, { readonly invalid: InvalidCall }>;

/** A call that was planned and cannot be published. */
export function toInvalid({ call, lane }: PlannedEntry, error: string): InvalidCall {
  const { id, method = "GET", url } = call;
  return { id, lane, method, url: url.slice(0, 2000), error };
}
