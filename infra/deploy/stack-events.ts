import { DescribeStackEventsCommand } from "@aws-sdk/client-cloudformation";
import type {
  CloudFormationClient,
  DescribeStackEventsCommandOutput,
  StackEvent,
} from "@aws-sdk/client-cloudformation";
import { messageOf } from "../../shared/errors.ts";
import { explainRefusal } from "../../shared/aws/explain-refusal.ts";

/** What went wrong first; what is told of other resources only follows from it. */
export interface Failure {
  /** Its logical id; null: of the stack as a whole. */
  readonly resource: string | null;
  readonly type: string;
  readonly reason: string;
}

/** CloudFormation ends what was under way when something else fails, and says so as a failure of that. */
const FOLLOWS = /cancelled/i;

/**
 * What CloudFormation tells of one stack from a moment on: which events were there at that moment is remembered, and not
 * the time, so that no clock matters.
 */
export class StackEvents {
  readonly #client: CloudFormationClient;
  readonly #stackName: string;
  #newest: string | undefined;
  readonly #seen: StackEvent[] = [];

  private constructor(client: CloudFormationClient, stackName: string) {
    this.#client = client;
    this.#stackName = stackName;
  }

  /** From now on. Throws {@link SenpuError} `aws`. */
  static async from(client: CloudFormationClient, stackName: string): Promise<StackEvents> {
    const events = new StackEvents(client, stackName);
    await events.look();
    events.#seen.length = 0;
    return events;
  }

  /** Reads what is new, oldest first. A stack that is not there tells nothing. Throws {@link SenpuError} `aws`. */
  async look(): Promise<void> {
    const found: StackEvent[] = [];
    let from: string | undefined;
    try {
      do {
        const page: DescribeStackEventsCommandOutput = await this.#client.send(
          new DescribeStackEventsCommand({
            StackName: this.#stackName,
            ...(from === undefined ? {} : { NextToken: from }),
          }),
        );
        const events = page.StackEvents ?? [];
        const known = events.findIndex(({ EventId }) => EventId === this.#newest);
        found.push(...(known < 0 ? events : events.slice(0, known)));
        from = known < 0 ? page.NextToken : undefined;
      } while (from !== undefined);
    } catch (error) {
      if (messageOf(error).includes("does not exist")) return;
      throw explainRefusal(error, `reading what happened to stack ${this.#stackName}`);
    }
    this.#newest = found[0]?.EventId ?? this.#newest;
    this.#seen.push(...found.toReversed());
  }

  /** Resources that are done with, and the one that was told of last. */
  progress(): { readonly done: number; readonly last: StackEvent | undefined } {
    const states = new Map<string, string>();
    for (const event of this.#seen) {
      if (!isStack(event)) states.set(event.LogicalResourceId ?? "", event.ResourceStatus ?? "");
    }
    const done = [...states.values()].filter((status) => /_(COMPLETE|FAILED)$/.test(status)).length;
    return { done, last: this.#seen.findLast((event) => !isStack(event)) };
  }

  /** Undefined: nothing has failed. */
  failure(): Failure | undefined {
    const failed = this.#seen.filter(
      ({ ResourceStatus = "", ResourceStatusReason = "" }) =>
        ResourceStatus.endsWith("_FAILED") && !FOLLOWS.test(ResourceStatusReason),
    );
    const found =
      failed.find((event) => !isStack(event)) ??
      failed[0] ??
      this.#seen.find(
        (event) =>
          isStack(event) && event.ResourceStatus?.endsWith("ROLLBACK_IN_PROGRESS") === true,
      );
    if (found === undefined) return undefined;
    return {
      resource: isStack(found) ? null : (found.LogicalResourceId ?? null),
      type: found.ResourceType ?? "",
      reason: (found.ResourceStatusReason ?? "CloudFormation gives no reason").replaceAll(
        /\s+/g,
        " ",
      ),
    };
  }
}

function isStack({ PhysicalResourceId, StackId }: StackEvent): boolean {
  return PhysicalResourceId !== undefined && PhysicalResourceId === StackId;
}
