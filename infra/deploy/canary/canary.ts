import { createAwsClients } from "../../../shared/broker/aws-clients.ts";
import { openBroker } from "../../../shared/broker/open.ts";
import { openDeployedLedger } from "../../../shared/deployment/deployed-ledger.ts";
import type { Deployment } from "../../../shared/deployment/deployment.ts";
import { SenpuError } from "../../../shared/errors.ts";
import type { CanarySettings } from "../../environments/environment.ts";
import { callLanes } from "./call-lanes.ts";
import type { CanaryLane, CanaryOptions, CanaryResult } from "./call-lanes.ts";
import { LedgerWatch } from "./ledger-watch.ts";
import { QueueWatch } from "./queue-watch.ts";

type Options = Pick<CanaryOptions, "patienceMs" | "onWaiting" | "allow" | "signal"> & {
  readonly pollMs: number;
  /** Of all ARNs: `aws`, or another partition's. */
  readonly partition: string;
  readonly account: string;
};

const AGAIN_MS = 60_000;

/** Each deployed lane with the address that it is to call. Throws {@link SenpuError} `config` for a lane that is none. */
export function canaryLanes(
  { url, lanes }: CanarySettings,
  deployed: readonly { readonly name: string; readonly timeoutMs: number }[],
): CanaryLane[] {
  const unknown = Object.keys(lanes).find((name) => deployed.every((lane) => lane.name !== name));
  if (unknown !== undefined) {
    const there = deployed.map(({ name }) => name).join(", ");
    throw new SenpuError(
      "config",
      `canary.lanes.${unknown}: there is no lane ${unknown}, but ${there}`,
    );
  }
  return deployed.map(({ name, timeoutMs }) => ({ name, timeoutMs, url: lanes[name] ?? url }));
}

/**
 * One call per lane of what is deployed: seen in its ledger, or, where it has none, on a queue that lasts as long as this.
 * These credentials need sns:Publish on the calls topic, sqs:GetQueueUrl and sqs:GetQueueAttributes on the ledger queue,
 * and lambda:InvokeFunction on the ledger's function; without a ledger instead sqs:CreateQueue, sqs:DeleteQueue,
 * sqs:ReceiveMessage, sqs:DeleteMessage and sqs:ListQueues, sns:Subscribe and sns:Unsubscribe. Throws {@link SenpuError}.
 */
export async function runCanary(
  deployment: Deployment,
  settings: CanarySettings,
  { pollMs, partition, account, ...options }: Options,
): Promise<CanaryResult[]> {
  const { prefix, region, ledger } = deployment;
  const lanes = canaryLanes(settings, deployment.lanes);
  const broker = openBroker(undefined, deployment);
  const shared = { ...options, broker, againMs: AGAIN_MS };
  try {
    if (ledger !== undefined) {
      const opened = await openDeployedLedger(deployment, "write");
      try {
        return await callLanes(lanes, { ...shared, watch: new LedgerWatch(opened, pollMs) });
      } finally {
        await opened.close();
      }
    }
    const clients = createAwsClients({ region });
    try {
      const home = { partition, region, account };
      return await callLanes(lanes, {
        ...shared,
        watch: new QueueWatch({ clients, prefix, home }),
      });
    } finally {
      clients.destroy();
    }
  } finally {
    await broker.close();
  }
}
