import { ok, problem } from "../../shared/finding.ts";
import { bootstrapLine, missingBootstrap, readBootstraps } from "../deploy/bootstrap.ts";
import type { DeployedCheck } from "./examination.ts";

/** What the assets of `aws-cdk-lib` 2 need. Source: CDK developer guide, "Bootstrap template versions". */
const LEAST_VERSION = 6;

/** May the CDK deploy to the environment's regions? */
export const checkSetup: DeployedCheck = async ({ clients, identity, stacks }) => {
  const regions = [...new Set(stacks.map(({ region }) => region))];
  const bootstraps = await readBootstraps(clients, regions);
  const missing = missingBootstrap(bootstraps, LEAST_VERSION);
  if (missing !== undefined) {
    return [problem("CDK", missing, bootstrapLine(identity.account, bootstraps))];
  }
  const told = bootstraps.map(({ region, version }) => `${region} version ${version}`);
  return [ok("CDK", `set up in ${told.join(", ")}`)];
};
