import type { NamedEnvironment } from "../../shared/deployment/deployment.ts";
import { deploymentPrefix } from "../stacks/names.ts";
import { findEnvironment } from "./index.ts";

/**
 * What `shared/deployment` must know of an environment to find what is deployed of it. Throws SenpuError `usage` for a
 * name that no environment has.
 */
export function nameEnvironment(name: string): NamedEnvironment {
  const environment = findEnvironment(name);
  return {
    name: environment.name,
    region: environment.region,
    prefix: deploymentPrefix(environment),
    hasLedger: environment.ledger !== null,
  };
}
