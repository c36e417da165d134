import type { Access } from "../auth/access.ts";
import type { Lack } from "../auth/credentials.ts";
import type { Policy } from "../../shared/model/policy.ts";

/**
 * Waits, for a call that holds no slot, until all that it needs is there; resolves with what is missing instead when that
 * will never be, or not for longer than `deferAfterMs`, or when the worker stops.
 */
export async function provide(
  access: Access,
  policy: Policy,
  stopping: AbortSignal,
  deferAfterMs: number,
): Promise<Exclude<Lack, { readonly kind: "coming" }> | undefined> {
  for (;;) {
    const now = Date.now();
    const lack = access.lack(policy, now);
    if (lack === undefined || lack.kind === "never") return lack;
    if (stopping.aborted) return { kind: "later", at: now, error: "its worker stops" };
    if (lack.kind === "later" && lack.at > Math.min(now + deferAfterMs, policy.deadlineAt)) {
      return lack;
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
