import { ListQueuesCommand } from "@aws-sdk/client-sqs";
import type { AwsClients } from "./aws-clients.ts";
import type { AwsNames } from "./aws-names.ts";
import { laneQueue } from "./broker.ts";
import type { Patience } from "./patience.ts";
import { laneOfQueue } from "./topology.ts";

/** What a request to AWS takes. */
export interface Requester {
  readonly clients: AwsClients;
  readonly names: AwsNames;
  readonly patience: Patience;
}

/** A page of ListQueues. Source: SQS API reference, at most 1,000; without it, AWS gives no further pages. */
const PAGE_QUEUES = 1_000;

/** Every lane that has a queue, sorted. */
export async function listLanes({ clients, names, patience }: Requester): Promise<string[]> {
  const lanes: string[] = [];
  let NextToken: string | undefined;
  do {
    const page = await patience.run("listing queues", () =>
      clients.sqs.send(
        new ListQueuesCommand({
          QueueNamePrefix: names.full(laneQueue("")),
          MaxResults: PAGE_QUEUES,
          NextToken,
        }),
      ),
    );
    for (const url of page.QueueUrls ?? []) {
      const lane = laneOfQueue(names.ownName(url) ?? "");
      if (lane !== undefined) lanes.push(lane);
    }
    NextToken = page.NextToken;
  } while (NextToken);
  return lanes.sort();
}
