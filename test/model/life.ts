import * as fc from "fast-check";
import { history } from "./history.ts";
import type { History } from "./history.ts";
import { installModelApi } from "./model-api.ts";
import { play } from "./play.ts";
import type { Played } from "./play.ts";
import { installVirtualTime } from "./virtual-time.ts";
import type { Sabotage } from "./world.ts";

/** Of one invariant; absent: of each. */
interface Look {
  readonly sabotage?: Sabotage | undefined;
  readonly tells?: string | undefined;
  readonly onPlayed?: (played: Played, history: History) => void;
}

/** Whatever befalls, what must hold of a call's life holds. */
export function lifeHolds({ sabotage, tells = "", onPlayed }: Look = {}): fc.IAsyncProperty<
  [History]
> {
  return fc.asyncProperty(history, async (lived) => {
    const played = await play(lived, sabotage);
    onPlayed?.(played, lived);
    const violations = played.violations.filter((each) => each.startsWith(tells));
    if (violations.length > 0) throw new Error(violations.slice(0, MAX_TOLD).join("\n"));
  });
}

/** In a message, so that a person can read it. */
const MAX_TOLD = 5;

/** Simulated processes live in a world of their own from now on. Returns how to undo it. */
export function install(): () => void {
  const undo = [installVirtualTime(), installModelApi()];
  return () => {
    for (const each of undo) each();
  };
}
