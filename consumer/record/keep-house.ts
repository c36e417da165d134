import { setTimeout as sleep } from "node:timers/promises";
import type { Broker } from "../../shared/broker/broker.ts";
import type { Coordination } from "../../shared/coordination/coordination.ts";
import { SenpuError } from "../../shared/errors.ts";
import type { Ledger } from "../../shared/ledger/ledger.ts";
import { DEFAULT_LANE, TOTAL } from "../../shared/model/lane.ts";
import type { Committer } from "./committer.ts";
import { recordDead } from "./record-dead.ts";
import { routeLate } from "./route-late.ts";

export interface HouseParts {
  readonly broker: Broker;
  readonly ledger: Ledger;
  readonly coordination: Coordination;
  readonly committer: Committer;
  readonly signal: AbortSignal;
}

/** Looks after what lies beside the main flow, now and then, until the signal. */
export async function keepHouse(parts: HouseParts & { readonly everyMs: number }): Promise<void> {
  while (!parts.signal.aborted) {
    await lookRound(parts);
    await sleep(parts.everyMs, undefined, { signal: parts.signal }).catch(() => {});
  }
}

/** One look into each lane's `dead` queue, and into `unrouted`. */
export async function lookRound(parts: HouseParts): Promise<void> {
  const claimed = await parts.coordination.lanes();
  const lanes = new Set([DEFAULT_LANE, ...claimed.map(({ lane }) => lane)]);
  lanes.delete(TOTAL);
  for (const lane of lanes) {
    if (parts.signal.aborted) return;
    await forgivingBroker(() => recordDead(parts, lane));
  }
  await forgivingBroker(() => routeLate(parts, lanes));
}

/** A queue that is not there yet is looked into next time; a broker that is gone fails the main flow as well. */
async function forgivingBroker(step: () => Promise<void>): Promise<void> {
  try {
    await step();
  } catch (error) {
    if (!(error instanceof SenpuError && error.code === "broker")) throw error;
  }
}
