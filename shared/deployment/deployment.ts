import type { DeployedLanes } from "./deployed-lanes.ts";

/** An environment as far as its deployment is found by it; what it says otherwise is for the stacks. */
export interface NamedEnvironment {
  readonly name: string;
  readonly region: string;
  /** Of its stacks, topics, queues and functions: `senpu-<name>`. */
  readonly prefix: string;
  /** Is it to have a ledger? */
  readonly hasLedger: boolean;
}

/** What is deployed of an environment, as its stacks tell it; frozen. */
export interface Deployment extends DeployedLanes {
  /** The environment's. */
  readonly name: string;
  readonly region: string;
  /** Undefined where CloudFormation's answer names none. */
  readonly account: string | undefined;
  readonly prefix: string;
  readonly coordinationTable: string;
  readonly plansBucket: string;
  readonly claimsBucket: string;
  readonly resultsBucket: string;
  readonly producerFunction: string;
  /** Undefined: there is none, and {@link Deployment.ledgerStack} says whether there should be. */
  readonly ledger: DeployedLedger | undefined;
  /** The stack that holds the ledger, there or not; undefined: the environment has none. */
  readonly ledgerStack: string | undefined;
}

/** Functions by which the ledger is reached from outside its network. */
export interface DeployedLedger {
  /** For who conducts runs. */
  readonly function: string;
  /** For who only looks. */
  readonly queryFunction: string;
}
