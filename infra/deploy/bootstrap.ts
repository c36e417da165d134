import { CloudFormationClient } from "@aws-sdk/client-cloudformation";
import type { Clients } from "../aws/clients.ts";
import { Stack } from "../../shared/aws/stack.ts";

/** The stack that `cdk bootstrap` makes, and its output. Source: CDK developer guide, "Bootstrapping". */
const BOOTSTRAP_STACK = "CDKToolkit";
const VERSION_OUTPUT = "BootstrapVersion";

export interface Bootstrap {
  readonly region: string;
  /** Undefined: not bootstrapped. */
  readonly version: number | undefined;
}

/** Whether the CDK may deploy to these regions. Throws {@link SenpuError} `aws` where they may not be asked. */
export async function readBootstraps(
  clients: Clients,
  regions: readonly string[],
): Promise<Bootstrap[]> {
  return Promise.all(
    regions.map(async (region) => {
      const stack = new Stack(clients.of(CloudFormationClient, region), BOOTSTRAP_STACK);
      const version = Number((await stack.describe())?.outputs.get(VERSION_OUTPUT));
      return { region, version: Number.isFinite(version) ? version : undefined };
    }),
  );
}

/** What is missing, in a sentence; undefined: nothing. */
export function missingBootstrap(
  bootstraps: readonly Bootstrap[],
  needed: number,
): string | undefined {
  const none = bootstraps.filter(({ version }) => version === undefined);
  const old = bootstraps.filter(({ version = needed }) => version < needed);
  const names = (some: readonly Bootstrap[]): string =>
    some.map(({ region }) => region).join(" and ");
  const parts = [
    ...(none.length > 0 ? [`the CDK has not been set up in ${names(none)}`] : []),
    ...(old.length > 0
      ? [`what the CDK has set up in ${names(old)} is older than version ${needed}`]
      : []),
  ];
  return parts.length === 0 ? undefined : parts.join("; ");
}

/** To be pasted. An account and its regions are set up once, by whoever may make roles and a bucket. */
export function bootstrapLine(account: string, bootstraps: readonly Bootstrap[]): string {
  const targets = bootstraps.map(({ region }) => `aws://${account}/${region}`);
  return `npx cdk bootstrap ${targets.join(" ")}`;
}
