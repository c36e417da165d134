import { CloudFormationClient } from "@aws-sdk/client-cloudformation";
import { setTimeout as sleep } from "node:timers/promises";
import { SenpuError, messageOf } from "../../shared/errors.ts";
import { formatDuration } from "../../shared/terminal/format.ts";
import type { Clients } from "../aws/clients.ts";
import { Stack } from "../../shared/aws/stack.ts";
import type { SynthesisedStack } from "./assembly.ts";
import { deploymentWords, failureIn, runCdk } from "./cdk.ts";
import { StackEvents } from "./stack-events.ts";
import { standingOf, whatNow } from "./stack-status.ts";
import type { StackPlace } from "./stack-status.ts";

export interface DeployStackOptions {
  readonly clients: Clients;
  readonly pollMs: number;
  /** How it goes, every now and then. */
  readonly onProgress: (detail: string) => void;
  /** Ends the CDK's process; CloudFormation goes on with what it has begun. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Deploys one stack. Throws {@link SenpuError} `aws` in two lines: which stack and resource failed and CloudFormation's
 * reason; what state that leaves, and the command that goes on.
 *
 * A death here leaves CloudFormation at work, which ends what it has begun by itself: the next deployment waits for it.
 */
export async function deployStack(
  stack: SynthesisedStack,
  place: StackPlace,
  { clients, pollMs, onProgress, signal }: DeployStackOptions,
): Promise<void> {
  const client = clients.of(CloudFormationClient, stack.region);
  const events = await StackEvents.from(client, stack.stackName);
  const startedAt = performance.now();
  const isOver = new AbortController();
  const following = follow(isOver.signal);
  let end;
  try {
    end = await runCdk(deploymentWords(stack.id, place.assembly, true), {
      signal,
      onLine: (line) => {
        // Until CloudFormation has begun, assets are published, which takes a while too.
        if (events.progress().last === undefined) onProgress(line.trim());
      },
    });
  } finally {
    isOver.abort();
    await following;
  }
  if (end.isDone) return;
  const status = (await new Stack(client, stack.stackName).describe())?.status;
  await events.look();
  const failure = events.failure();
  const what =
    signal?.aborted === true
      ? "was interrupted"
      : failure === undefined
        ? `could not be deployed: ${failureIn(end)}`
        : `failed${failure.resource === null ? "" : ` at ${stack.paths.get(failure.resource) ?? failure.resource} (${failure.type})`}: ${failure.reason}`;
  const isBegun = standingOf(status) !== "new";
  throw new SenpuError(
    "aws",
    `stack ${stack.stackName} ${what}\nIt is ${isBegun ? status : "not there"}: ${whatNow(status, place)}`,
  );

  async function follow(until: AbortSignal): Promise<void> {
    while (!until.aborted) {
      await sleep(pollMs, undefined, { signal: until }).catch(() => {});
      try {
        await events.look();
      } catch (error) {
        // What cannot be watched is deployed all the same, and its end is looked at again.
        onProgress(messageOf(error));
        continue;
      }
      const { done, last } = events.progress();
      if (last === undefined) continue;
      const path = stack.paths.get(last.LogicalResourceId ?? "") ?? last.LogicalResourceId;
      const elapsed = formatDuration(performance.now() - startedAt);
      onProgress(`${done} resources done in ${elapsed}; ${path} ${last.ResourceStatus}`);
    }
  }
}
