import { DescribeStacksCommand, UpdateStackCommand } from "@aws-sdk/client-cloudformation";
import type { CloudFormationClient, Stack as Description } from "@aws-sdk/client-cloudformation";
import { setTimeout as sleep } from "node:timers/promises";
import { SenpuError, messageOf } from "../errors.ts";
import { explainRefusal } from "./explain-refusal.ts";

/** A stack as CloudFormation last told of it. */
export interface StackState {
  /** `UPDATE_COMPLETE` and the like. */
  readonly status: string;
  readonly isBusy: boolean;
  /** Whose it is; undefined where the answer names no ARN. */
  readonly account: string | undefined;
  readonly parameters: ReadonlyMap<string, string>;
  readonly outputs: ReadonlyMap<string, string>;
}

const POLL_MS = 2_000;

/** A deployed stack: its state, and a change of its parameters alone. */
export class Stack {
  readonly #client: CloudFormationClient;
  readonly #name: string;

  constructor(client: CloudFormationClient, name: string) {
    this.#client = client;
    this.#name = name;
  }

  /** Undefined: there is none. Throws {@link SenpuError} `aws`. */
  async describe(): Promise<StackState | undefined> {
    try {
      const command = new DescribeStacksCommand({ StackName: this.#name });
      const { Stacks = [] } = await this.#client.send(command);
      return Stacks[0] === undefined ? undefined : stateOf(Stacks[0]);
    } catch (error) {
      if (messageOf(error).includes("does not exist")) return undefined;
      throw explainRefusal(error, `reading stack ${this.#name}`);
    }
  }

  /**
   * Gives a parameter another value and leaves the rest of the stack as it is deployed. Resolves once that is done.
   * Throws {@link SenpuError} `aws`, also when it takes longer than `patienceMs`.
   */
  async setParameter(name: string, value: string, patienceMs: number): Promise<void> {
    const doing = `setting ${name} of stack ${this.#name}`;
    const before = await this.describe();
    const others = [...(before?.parameters.keys() ?? [])].filter((other) => other !== name);
    try {
      await this.#client.send(
        new UpdateStackCommand({
          StackName: this.#name,
          UsePreviousTemplate: true,
          Capabilities: ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
          Parameters: [
            { ParameterKey: name, ParameterValue: value },
            ...others.map((other) => ({ ParameterKey: other, UsePreviousValue: true })),
          ],
        }),
      );
    } catch (error) {
      throw explainRefusal(error, doing);
    }
    const giveUpAt = performance.now() + patienceMs;
    for (;;) {
      const state = await this.describe();
      const isSet = state?.parameters.get(name) === value;
      if (isSet && state.status === "UPDATE_COMPLETE") return;
      // What is told right after the request may be of the time before it.
      if (state?.isBusy === false && (isSet || state.status !== before?.status)) {
        throw new SenpuError("aws", `${doing} ended as ${state.status}`);
      }
      if (performance.now() > giveUpAt) {
        throw new SenpuError("aws", `${doing} has not ended yet: ${state?.status}`);
      }
      await sleep(POLL_MS);
    }
  }
}

function stateOf({ StackId, StackStatus, Parameters = [], Outputs = [] }: Description): StackState {
  const status: string = StackStatus ?? "unknown";
  return {
    status,
    isBusy: status.endsWith("_IN_PROGRESS"),
    account: StackId?.split(":")[4] || undefined,
    parameters: new Map(
      Parameters.map(({ ParameterKey = "", ParameterValue = "" }) => [
        ParameterKey,
        ParameterValue,
      ]),
    ),
    outputs: new Map(
      Outputs.map(({ OutputKey = "", OutputValue = "" }) => [OutputKey, OutputValue]),
    ),
  };
}
