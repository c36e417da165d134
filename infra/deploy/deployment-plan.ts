import { SenpuError, messageOf } from "../../shared/errors.ts";
import type { Identity } from "../aws/identity.ts";
import { whoAmI } from "../aws/identity.ts";
import type { Clients } from "../aws/clients.ts";
import type { Environment } from "../environments/environment.ts";
import { deploymentPrefix } from "../stacks/names.ts";
import { assemblyFolder, readAssembly } from "./assembly.ts";
import type { SynthesisedStack } from "./assembly.ts";
import { bootstrapLine, missingBootstrap, readBootstraps } from "./bootstrap.ts";
import { isChanged } from "./changes.ts";
import { missingImageBuilder } from "./image-builder.ts";
import { findLeftovers, removalLine } from "./leftover-stacks.ts";
import type { StatusLine } from "./status-line.ts";
import type { StackPlace } from "./stack-status.ts";
import { surveyStack } from "./survey.ts";
import type { Surveyed } from "./survey.ts";

export interface PlanOptions {
  readonly environment: Environment;
  readonly clients: Clients;
  /** Ids; undefined: all of them. */
  readonly only: readonly string[] | undefined;
  /** Writes the assembly. */
  readonly synthesise: (environment: string) => Promise<void>;
  /** Where it does; default: the environment's folder. */
  readonly assembly?: string | undefined;
  /** The line that deploys again. */
  readonly again: string;
  readonly pollMs: number;
  readonly status: StatusLine;
  readonly signal?: AbortSignal | undefined;
}

/** What would be deployed where, in order, and what speaks against it; nothing has been changed. */
export interface DeploymentPlan {
  readonly identity: Identity;
  readonly stacks: readonly PlannedStack[];
  /** Why it must not be deployed, a line each. */
  readonly faults: readonly string[];
  /** Worth knowing before one says yes. */
  readonly warnings: readonly string[];
}

interface PlannedStack extends Surveyed {
  readonly stack: SynthesisedStack;
  readonly place: StackPlace;
}

/**
 * Asks whose credentials these are, synthesises, and compares each stack with what is deployed.
 * Throws {@link SenpuError}: `aws` without credentials, without the CDK's set-up or for a stack that has to be mended;
 * `config` for what cannot be synthesised; `usage` for a stack that there is not.
 */
export async function planDeployment(options: PlanOptions): Promise<DeploymentPlan> {
  const { environment, clients, status, again, pollMs, signal } = options;
  status.show("asking AWS whose credentials these are");
  const identity = await whoAmI(clients, environment.region);
  status.show(`building and synthesising ${environment.name}`);
  await options.synthesise(environment.name);
  const assembly = options.assembly ?? assemblyFolder(environment.name);
  const all = readAssembly(assembly);
  const chosen = choose(all, options.only);
  await requireBootstrap(clients, identity, chosen);
  const stacks: PlannedStack[] = [];
  for (const stack of chosen) {
    status.show(`comparing ${stack.stackName} with what is deployed`);
    const { id, stackName, region } = stack;
    const place = { id, stackName, region, assembly, again };
    const surveyed = await surveyStack(stack, place, {
      clients,
      environment: environment.name,
      pollMs,
      signal,
      onBusy: (name, state) =>
        status.show(`waiting for ${name}, to which something is being done`, state),
    });
    stacks.push({ stack, place, ...surveyed });
  }
  status.show("looking for stacks that are not declared any more");
  const leftovers = await tellLeftovers(clients, environment, all);
  status.clear();
  return {
    identity,
    stacks,
    faults: stacks.flatMap(({ faults }) => faults),
    warnings: [...warningsOf(stacks), ...leftovers],
  };
}

/** Nothing of a deployment depends on it, so that whoever may not list stacks deploys all the same. */
async function tellLeftovers(
  clients: Clients,
  environment: Environment,
  declared: readonly SynthesisedStack[],
): Promise<string[]> {
  const place = { prefix: deploymentPrefix(environment), region: environment.region };
  try {
    const leftovers = await findLeftovers(clients, place, declared);
    return leftovers.map(
      (stack) =>
        `${stack.stackName} in ${stack.region} is there and not declared any more; no deployment removes it, but this does, with what it holds: ${removalLine(stack)} # once nobody needs it`,
    );
  } catch (error) {
    return [
      `whether stacks are there that are not declared any more is not known: ${messageOf(error)}`,
    ];
  }
}

function choose(
  all: readonly SynthesisedStack[],
  only: readonly string[] | undefined,
): SynthesisedStack[] {
  const unknown = only?.find((id) => all.every((stack) => stack.id !== id));
  if (unknown !== undefined) {
    const there = all.map(({ id }) => id).join(", ");
    throw new SenpuError("usage", `--stack ${unknown}: there are ${there}`);
  }
  return all.filter(({ id }) => only?.includes(id) !== false);
}

async function requireBootstrap(
  clients: Clients,
  { account }: Identity,
  stacks: readonly SynthesisedStack[],
): Promise<void> {
  const regions = [...new Set(stacks.map(({ region }) => region))];
  const needed = Math.max(...stacks.map(({ bootstrapVersion }) => bootstrapVersion));
  const bootstraps = await readBootstraps(clients, regions);
  const missing = missingBootstrap(bootstraps, needed);
  if (missing === undefined) return;
  throw new SenpuError(
    "aws",
    `account ${account}: ${missing}.\nOnce, by whoever may make roles and a bucket: ${bootstrapLine(account, bootstraps)}`,
  );
}

function warningsOf(stacks: readonly PlannedStack[]): string[] {
  const needsImage = stacks.some(({ stack, changes }) => stack.needsImage && isChanged(changes));
  const program = needsImage ? missingImageBuilder() : undefined;
  return [
    ...(program === undefined
      ? []
      : [
          `${program} is not on this machine: unless the image of the container lanes is in the account already, it cannot be built; CDK_DOCKER names another program, such as podman`,
        ]),
    ...stacks.flatMap(({ stack, status }) =>
      status === "ROLLBACK_COMPLETE" || status === "ROLLBACK_FAILED"
        ? [
            `${stack.stackName} is ${status}: its first deployment failed, so it is removed and made anew`,
          ]
        : [],
    ),
  ];
}
