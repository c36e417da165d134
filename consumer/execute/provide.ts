import type { Access } from "../auth/access.ts";
import type { Policy } from "../../shared/model/policy.ts";
import { Refused } from "./retry-signals.ts";

/**
 * Waits, for a call that holds no slot, until all that it needs is there. Throws {@link Refused} with what is missing when
 * that will never be, or not for longer than `deferAfterMs`, or when the worker stops.
 */
export async function provide(
  access: Access,
  policy: Policy,
  stopping: AbortSignal,
  deferAfterMs: number,
): Promise<void> {
  for (;;) {
    const now = Date.now();
    const lack = access.lack(policy, now);
    if (lack === undefined) return;
    if (lack.kind === "never") throw new Refused(lack);
    if (stopping.aborted) throw new Refused({ kind: "later", at: now, error: "its worker stops" });
    if (lack.kind === "later" && lack.at > Math.min(now + deferAfterMs, policy.deadlineAt)) {
      throw new Refused(lack);
    }
    await new Promise<void>((resolve) => {
      const end = (): void => {
        stopping.removeEventListener("abort", end);
        resolve();
      };
      stopping.addEventListener("abort", end);
      access.onChange(end, now);
    });
  }
}
