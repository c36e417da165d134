import type { Lane } from "../../shared/model/lane.ts";
import type { Policy } from "../../shared/model/policy.ts";

/** The policy of a plan as a lane's calls have it: the same object where the lane says nothing of its own. */
export function lanePolicy<Whole extends Pick<Policy, "auth">>(
  policy: Whole,
  { auth }: Pick<Lane, "auth">,
): Whole {
  if (auth === undefined) return policy;
  const { auth: _, ...rest } = policy;
  return { ...rest, ...(auth === null ? {} : { auth }) } as Whole;
}
