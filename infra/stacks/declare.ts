import type { App } from "aws-cdk-lib";
import type { Environment } from "../environments/environment.ts";
import type { Assets } from "./assets.ts";
import { ledgerStackName, pipelineStackName } from "../../shared/deployment/stack-names.ts";
import { EDGE_REGION, edgeStackName } from "../edge/names.ts";
import { EdgeStack } from "./edge-stack.ts";
import { LedgerStack } from "./ledger-stack.ts";
import { deploymentPrefix } from "./names.ts";
import { PipelineStack } from "./pipeline-stack.ts";
import { SiteStack } from "./site-stack.ts";

/**
 * One environment's stacks, each deployable alone: `senpu-<environment>-pipeline`, `-ledger`, `-edge`, `-site`.
 * Construct ids leave the environment's name out, so that the templates of two environments can be compared.
 */
export function declareStacks(app: App, environment: Environment, assets: Assets): void {
  const { region } = environment;
  const prefix = deploymentPrefix(environment);
  const pipeline = new PipelineStack(app, "pipeline", {
    ...assets,
    environment,
    stackName: pipelineStackName(prefix),
    env: { region },
  });
  if (environment.ledger !== null) {
    new LedgerStack(app, "ledger", {
      environment,
      settings: environment.ledger,
      pipeline,
      lanes: assets.config.lanes.map(({ name }) => name),
      stackName: ledgerStackName(prefix),
      env: { region },
    });
  }
  const edge = new EdgeStack(app, "edge", {
    environment,
    stackName: edgeStackName(prefix),
    env: { region: EDGE_REGION },
    crossRegionReferences: true,
  });
  if (environment.site === null) return;
  new SiteStack(app, "site", {
    environment,
    settings: environment.site,
    webAclArn: edge.webAclArn,
    stackName: `${prefix}-site`,
    env: { region },
    crossRegionReferences: true,
  });
}
