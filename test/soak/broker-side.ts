import { readFileSync } from "node:fs";
import { join } from "node:path";
import { GetQueueUrlCommand, PurgeQueueCommand } from "@aws-sdk/client-sqs";
import { createAwsClients } from "../../shared/broker/aws-clients.ts";
import { SOAK_LANES } from "./soak-plan.ts";

/** Where nothing listens. */
const NOWHERE = "http://127.0.0.1:9";

/** Of the broker that the state folder's processes work with. */
export function portOfBroker(state: string): number {
  return Number(new URL(readEndpoint(state) ?? NOWHERE).port);
}

/** Takes away the letters of calls that have failed. */
export async function emptyFailedQueues(state: string): Promise<void> {
  const endpointUrl = readEndpoint(state);
  if (endpointUrl === undefined) return;
  const { sqs, destroy } = createAwsClients({ endpointUrl });
  try {
    for (const lane of SOAK_LANES) {
      const QueueName = `senpu-lane-${lane}-failed`;
      const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName }));
      await sqs.send(new PurgeQueueCommand({ QueueUrl }));
    }
  } catch {
    // A lane that no run has used yet has no queue; next time.
  } finally {
    destroy();
  }
}

function readEndpoint(state: string): string | undefined {
  try {
    const text = readFileSync(join(state, "broker.json"), "utf8");
    return (JSON.parse(text) as { readonly endpoint: string | null }).endpoint ?? undefined;
  } catch {
    return undefined;
  }
}
