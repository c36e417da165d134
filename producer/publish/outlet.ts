import type { Lane } from "../../shared/model/lane.ts";
import type { PlanPolicy } from "../plan/plan.ts";
import type { Packer } from "./pack.ts";
import type { SpillFile } from "./spill-file.ts";
import type { Window } from "./window.ts";

/** One lane on its way out. */
export interface Outlet {
  readonly lane: Lane;
  /** One a policy, because a message carries one: replayed calls may come from different runs. */
  readonly packers: Map<PlanPolicy | undefined, Packer>;
  readonly window: Window;
  readonly spill: SpillFile;
  published: number;
}
