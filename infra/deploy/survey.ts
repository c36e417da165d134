import { CloudFormationClient } from "@aws-sdk/client-cloudformation";
import { setTimeout as sleep } from "node:timers/promises";
import { SenpuError } from "../../shared/errors.ts";
import type { Clients } from "../aws/clients.ts";
import { Stack } from "../../shared/aws/stack.ts";
import { checkTemplate } from "../checks/all.ts";
import { ALLOWED_CHANGES } from "../checks/allowed.ts";
import { guardStack } from "../checks/inspect.ts";
import { checkStateful } from "../checks/stateful.ts";
import type { SynthesisedStack } from "./assembly.ts";
import { compareTemplates } from "./changes.ts";
import type { StackChanges } from "./changes.ts";
import { readDeployedTemplate } from "./deployed-template.ts";
import { standingOf, whatNow } from "./stack-status.ts";
import type { StackPlace } from "./stack-status.ts";

/** What a deployment would do to a stack, and what speaks against it. */
export interface Surveyed {
  readonly changes: StackChanges;
  /** CloudFormation's; undefined: there is none. */
  readonly status: string | undefined;
  /** Why it must not be deployed so, a line each. */
  readonly faults: readonly string[];
}

export interface SurveyOptions {
  readonly clients: Clients;
  readonly environment: string;
  readonly pollMs: number;
  /** Of a stack that something is being done to: how it goes. */
  readonly onBusy: (stackName: string, status: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Compares a stack with what is deployed of it; first waits until nothing is being done to it, as after a deployment
 * that was interrupted. Throws {@link SenpuError} `aws`, also for a stack that a person has to mend first.
 */
export async function surveyStack(
  stack: SynthesisedStack,
  place: StackPlace,
  options: SurveyOptions,
): Promise<Surveyed> {
  const client = options.clients.of(CloudFormationClient, stack.region);
  const status = await waitUntilIdle(new Stack(client, stack.stackName), stack.stackName, options);
  const standing = standingOf(status);
  if (standing === "stuck") {
    throw new SenpuError(
      "aws",
      `stack ${stack.stackName} is ${status}:\n${whatNow(status, place)}`,
    );
  }
  const before =
    standing === "ready" ? await readDeployedTemplate(client, stack.stackName) : undefined;
  const name = `${options.environment}-${stack.id}`;
  const lost =
    before === undefined ? [] : checkStateful(name, before, stack.template, ALLOWED_CHANGES);
  return {
    status,
    changes: compareTemplates(stack, before),
    faults: [
      ...new Set([
        ...lost,
        ...guardStack(name, stack.template),
        ...checkTemplate(name, stack.template),
      ]),
    ],
  };
}

async function waitUntilIdle(
  stack: Stack,
  stackName: string,
  { onBusy, pollMs, signal }: SurveyOptions,
): Promise<string | undefined> {
  for (;;) {
    const status = (await stack.describe())?.status;
    if (standingOf(status) !== "busy") return status;
    onBusy(stackName, status!);
    await sleep(pollMs, undefined, { signal });
  }
}
