import { SenpuError } from "../errors.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { DeployedLedger, Deployment } from "./deployment.ts";

/** `read`: by the function that only looks, whatever else these credentials may do. */
export type LedgerAccess = "read" | "write";

/** The ledger of a deployment, by one of its functions. Throws as {@link ledgerOf} does. */
export async function openDeployedLedger(
  deployment: Deployment,
  access: LedgerAccess,
): Promise<Ledger> {
  const functions = ledgerOf(deployment);
  const { openFunctionLedger } = await import("../ledger/function-ledger.ts");
  const name = access === "read" ? functions.queryFunction : functions.function;
  return openFunctionLedger(name, deployment.region);
}

/** Is it to have none? One that is not deployed yet is no reason to do without. */
export function isWithoutLedger(deployment: Deployment | undefined): deployment is Deployment {
  return (
    deployment?.ledger === undefined &&
    deployment?.ledgerStack === undefined &&
    deployment !== undefined
  );
}

/** Throws SenpuError `usage` for a deployment that is to have none, `aws` for one whose ledger is not deployed yet. */
function ledgerOf(deployment: Deployment): DeployedLedger {
  const { name, region, ledger, ledgerStack } = deployment;
  if (ledger !== undefined) return ledger;
  if (ledgerStack === undefined) {
    throw new SenpuError(
      "usage",
      `environment ${name} has no ledger, so nothing there knows what became of a run's calls; ` +
        "without one there are senpu run, dlq, replay and cancel",
    );
  }
  throw new SenpuError(
    "aws",
    `the ledger of environment ${name} is not deployed: there is no finished stack ${ledgerStack} in ${region}; to deploy it: senpu deploy --env ${name}`,
  );
}
