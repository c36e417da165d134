import { hash } from "node:crypto";

/**
 * The Idempotency-Key of a run's call: the same whatever happens to it, so that a server can tell a repetition.
 * Derived, so that nobody has to keep it: a worker sends it, and a replay finds it again from a letter.
 */
export function idempotencyKey(run: string, id: string): string {
  return hash("sha256", `${run}\n${id}`, "base64url").slice(0, 32);
}
