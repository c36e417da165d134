import { matchesStatus } from "../../shared/model/policy.ts";
import type { Attempt } from "../execute/attempt.ts";
import type { HttpRequest } from "../execute/request.ts";
import type { CallTask } from "../receive/chunk.ts";

/** Was it its credentials that an attempt was refused for (401), and are there others for the call? Once a call. */
export function wasRefused(
  task: CallTask,
  { grant }: HttpRequest,
  { end, isCut }: Attempt,
): boolean {
  const { access, message } = task.chunk;
  if (access === undefined || grant === undefined || end?.kind !== "answer") return false;
  if (end.status !== 401) access.accept(grant);
  if (end.status !== 401 || isCut || task.isRenewed) return false;
  if (message.policy.success.some((pattern) => matchesStatus(pattern, 401))) return false;
  task.isRenewed = access.renew(grant, Date.now());
  return task.isRenewed;
}
