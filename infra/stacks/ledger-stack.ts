import { CfnOutput, Stack } from "aws-cdk-lib";
import type { CfnElement, StackProps } from "aws-cdk-lib";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import { LEDGER_QUEUE } from "../../shared/broker/broker.ts";
import { LEDGER_OUTPUTS } from "../../shared/deployment/outputs.ts";
import { acknowledge } from "../constructs/acknowledge.ts";
import { Alarms } from "../constructs/alarms.ts";
import { LedgerDatabase } from "../constructs/ledger/database.ts";
import { LedgerFunctions } from "../constructs/ledger/functions.ts";
import { LedgerNetwork } from "../constructs/ledger/network.ts";
import type { Environment, LedgerSettings } from "../environments/environment.ts";
import { deploymentPrefix } from "./names.ts";
import type { PipelineStack } from "./pipeline-stack.ts";

export interface LedgerProps extends StackProps {
  readonly environment: Environment;
  readonly settings: LedgerSettings;
  readonly pipeline: PipelineStack;
  readonly lanes: readonly string[];
}

/**
 * The ledger: its database, the one network that anything of senpu's is in, and the functions in it. Long-lived, and apart
 * from the pipeline, because functions in a network take 20 minutes to go (L2).
 */
export class LedgerStack extends Stack {
  constructor(scope: Construct, id: string, props: LedgerProps) {
    const { environment, settings, pipeline, lanes } = props;
    const keepsData = environment.data === "keep";
    // The network would have to stay with a database that does.
    super(scope, id, { ...props, terminationProtection: keepsData });
    const network = new LedgerNetwork(this, "network", { table: pipeline.stores.coordination });
    const database = new LedgerDatabase(this, "database", { settings, network, keepsData });
    const functions = new LedgerFunctions(this, "functions", {
      prefix: deploymentPrefix(environment),
      environment,
      lanes,
      backbone: pipeline.backbone,
      stores: pipeline.stores,
      network,
      database,
      keepRunsDays: settings.keepRunsDays,
    });
    const alarms = new Alarms(this, "alarms", { email: environment.alarms.email });
    database.declareAlarms(alarms);
    const { recorder, ledger, query, retention } = functions;
    for (const [name, watched] of Object.entries({ recorder, ledger, query, retention })) {
      alarms.onFailures(watched, name);
    }
    alarms.onAge(
      pipeline.backbone.queue(LEDGER_QUEUE),
      environment.alarms.oldestMessageMinutes * 60_000,
    );
    new CfnOutput(this, LEDGER_OUTPUTS.function, { value: ledger.functionName });
    new CfnOutput(this, LEDGER_OUTPUTS.queryFunction, { value: query.functionName });
    for (const target of [recorder, retention]) {
      acknowledge(this, {
        [`AwsSolutions-IAM5[Resource::<${this.#idOf(target)}.Arn>:*]`]:
          "the scheduler may call this one function, in any version",
      });
    }
  }

  #idOf(of: LambdaFunction): string {
    return this.getLogicalId(of.node.defaultChild as CfnElement);
  }
}
