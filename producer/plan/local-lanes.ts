import { loadConfig } from "../../shared/config/load-config.ts";
import type { GivenLanes } from "./merge-lanes.ts";

/** The lanes of the configuration that holds here, for a run on this machine. Throws SenpuError `config`. */
export async function localLanes(): Promise<GivenLanes | undefined> {
  const config = await loadConfig();
  return config === undefined ? undefined : { kind: "local", config };
}
