import { findDeployment } from "../../shared/deployment/find-deployment.ts";
import { ok, problem, warning } from "../../shared/finding.ts";
import { formatQuantity } from "../../shared/terminal/format.ts";
import type { DeployedCheck } from "./examination.ts";

const NAME = "outputs";

/** Do the stacks tell what commands need, and are the lanes those of `senpu.config.yaml`? */
export const checkOutputs: DeployedCheck = async ({ named, config }) => {
  const deployment = await findDeployment(named);
  const again = `npx senpu deploy --env ${named.name}`;
  const deployed = deployment.lanes.map(({ name }) => name);
  const declared = config.lanes.map(({ name }) => name);
  const only = (some: readonly string[], others: readonly string[]): string[] =>
    some.filter((name) => !others.includes(name));
  const parts = [
    ...only(declared, deployed).map((name) => `lane ${name} is not deployed`),
    ...only(deployed, declared).map((name) => `lane ${name} is deployed and not declared any more`),
  ];
  return [
    ok(NAME, `they tell of ${formatQuantity(deployed.length, "lane")}: ${deployed.join(", ")}`),
    ...(deployment.ledgerStack !== undefined && deployment.ledger === undefined
      ? [
          problem(
            NAME,
            `${deployment.ledgerStack} tells of no ledger`,
            `it is deployed by: ${again}`,
          ),
        ]
      : []),
    ...(parts.length === 0
      ? []
      : [
          warning(
            NAME,
            parts.join("; "),
            `${again} makes what is deployed what senpu.config.yaml says`,
          ),
        ]),
  ];
};
