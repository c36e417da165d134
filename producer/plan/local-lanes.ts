import { loadConfig } from "../../shared/config/load-config.ts";
import type { Deployment } from "../../shared/deployment/deployment.ts";
import type { GivenLanes } from "./merge-lanes.ts";

/** The lanes of the configuration that holds here, for a run on this machine. Throws SenpuError `config`. */
export async function localLanes(): Promise<GivenLanes | undefined> {
  const config = await loadConfig();
  return config === undefined ? undefined : { kind: "local", config };
}

/** The lanes that a plan finds where it is to run: those of the deployment, as they are deployed, or of this machine. */
export async function lanesOf(deployment: Deployment | undefined): Promise<GivenLanes | undefined> {
  if (deployment === undefined) return localLanes();
  const { name, lanes, total } = deployment;
  const shown = `environment ${name}`;
  return { kind: "deployed", config: { shown, lanes, ...(total === undefined ? {} : { total }) } };
}
