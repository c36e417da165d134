import { CloudFormationClient } from "@aws-sdk/client-cloudformation";
import { Stack } from "../aws/stack.ts";
import type { StackState } from "../aws/stack.ts";
import { SenpuError } from "../errors.ts";
import { freezeDeep } from "../freeze-deep.ts";
import { fromLaneOutputs } from "./deployed-lanes.ts";
import type { DeployedLanes } from "./deployed-lanes.ts";
import type { DeployedLedger, Deployment, NamedEnvironment } from "./deployment.ts";
import { LANES_OUTPUT, LEDGER_OUTPUTS, PIPELINE_OUTPUTS } from "./outputs.ts";
import { ledgerStackName, pipelineStackName } from "./stack-names.ts";

const CONNECTION_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 15_000;

/**
 * What is deployed of an environment. In: the environment. Out: names of all that its stacks made, by one request to
 * CloudFormation for each of two stacks, in the environment's region, at AWS or where `AWS_ENDPOINT_URL_CLOUDFORMATION`
 * says; with the credentials that the SDK finds, which need `cloudformation:DescribeStacks`.
 *
 * Throws SenpuError `aws`: no credentials, an action that is not allowed, a pipeline stack that is not there or that tells
 * too little. A ledger's stack that is not there is no error here: see {@link Deployment.ledger}.
 */
export async function findDeployment(environment: NamedEnvironment): Promise<Deployment> {
  const { name, region, prefix, hasLedger } = environment;
  const client = new CloudFormationClient({
    region,
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
  });
  const ledgerStack = hasLedger ? ledgerStackName(prefix) : undefined;
  try {
    const [pipeline, ledger] = await Promise.all([
      new Stack(client, pipelineStackName(prefix)).describe(),
      ledgerStack === undefined ? undefined : new Stack(client, ledgerStack).describe(),
    ]);
    if (pipeline === undefined) throw await notDeployed(client, environment);
    const outputs = new Outputs(pipeline, pipelineStackName(prefix), environment);
    return freezeDeep({
      name,
      region,
      account: pipeline.account,
      prefix,
      ...readLanes(outputs),
      ...outputs.all(PIPELINE_OUTPUTS),
      ledger: ledgerStack === undefined ? undefined : readLedger(ledger, ledgerStack, environment),
      ledgerStack,
    });
  } finally {
    client.destroy();
  }
}

function readLanes(outputs: Outputs): DeployedLanes {
  return fromLaneOutputs(outputs.values) ?? outputs.fail(`${LANES_OUTPUT}1`);
}

/** Undefined also of one whose first deployment is still under way, or failed. */
function readLedger(
  stack: StackState | undefined,
  stackName: string,
  environment: NamedEnvironment,
): DeployedLedger | undefined {
  if (stack === undefined || stack.outputs.size === 0) return undefined;
  return new Outputs(stack, stackName, environment).all(LEDGER_OUTPUTS);
}

/** A stack's outputs, of which none may be missing. */
class Outputs {
  readonly values: ReadonlyMap<string, string>;
  readonly #status: string;
  readonly #stackName: string;
  readonly #environment: NamedEnvironment;

  constructor(stack: StackState, stackName: string, environment: NamedEnvironment) {
    this.values = stack.outputs;
    this.#status = stack.status;
    this.#stackName = stackName;
    this.#environment = environment;
  }

  all<Key extends string>(keys: Readonly<Record<Key, string>>): Record<Key, string> {
    const found = Object.entries<string>(keys).map(([key, output]) => [
      key,
      this.values.get(output) ?? this.fail(output),
    ]);
    return Object.fromEntries(found) as Record<Key, string>;
  }

  fail(output: string): never {
    const { name, region } = this.#environment;
    const why =
      this.values.size === 0
        ? `is ${this.#status}, and tells nothing of what it made`
        : `(${this.#status}) has no output ${output}: another version of senpu deployed it`;
    throw new SenpuError(
      "aws",
      `stack ${this.#stackName} in ${region} ${why}; to deploy it: senpu deploy --env ${name}`,
    );
  }
}

async function notDeployed(
  client: CloudFormationClient,
  { name, region, prefix }: NamedEnvironment,
): Promise<SenpuError> {
  // Some kinds of credentials know whose they are.
  const credentials = (await client.config.credentials().catch(() => undefined)) as
    | { readonly accountId?: string }
    | undefined;
  const account = credentials?.accountId;
  const where = account === undefined ? region : `${region} of account ${account}`;
  return new SenpuError(
    "aws",
    `environment ${name} is not deployed: there is no stack ${pipelineStackName(prefix)} in ${where}.\n` +
      `Is it another account's? AWS_PROFILE chooses one. To deploy it: senpu deploy --env ${name}`,
  );
}
