import { createBroker } from "../../shared/broker/aws-broker.ts";
import {
  LEDGER_DEAD_QUEUE,
  UNROUTED_QUEUE,
  deadQueue,
  failedQueue,
} from "../../shared/broker/broker.ts";
import { UNDELIVERED_QUEUE } from "../../shared/broker/topology.ts";
import { ok, problem, warning } from "../../shared/finding.ts";
import type { Finding } from "../../shared/finding.ts";
import { formatQuantity } from "../../shared/terminal/format.ts";
import type { DeployedCheck } from "./examination.ts";

const NAME = "letters";
/** Elsewhere queues are asked for until they answer; whoever asks a doctor wants to know that they do not. */
const PATIENCE_MS = 5_000;

/** What has been given up, and lies where somebody should look. */
export const checkLetters: DeployedCheck = async ({ named, config }) => {
  const { prefix, region, name } = named;
  const broker = createBroker({ prefix, region, patienceMs: PATIENCE_MS });
  try {
    const depthOf = async (queue: string): Promise<number> => {
      const { visible, notVisible, delayed } = await broker.depth(queue);
      return visible + notVisible + delayed;
    };
    const findings: Finding[] = [];
    const look = async (queue: string, judge: (count: number) => Finding): Promise<void> => {
      const count = await depthOf(queue);
      if (count > 0) findings.push(judge(count));
    };
    for (const lane of config.lanes) {
      await look(failedQueue(lane.name), (count) =>
        warning(
          NAME,
          `lane ${lane.name}: ${formatQuantity(count, "call")} failed for good`,
          `npx senpu dlq ${lane.name} --env ${name} tells why`,
        ),
      );
      await look(deadQueue(lane.name), (count) =>
        warning(
          NAME,
          `lane ${lane.name}: SQS gave ${formatQuantity(count, "message")} up`,
          "the recorder records their calls as abandoned; the worker's log tells what it died of",
        ),
      );
    }
    for (const [queue, advice] of ASTRAY) {
      await look(queue, (count) =>
        problem(NAME, `${formatQuantity(count, "message")} in ${queue}`, advice),
      );
    }
    return findings.length > 0 ? findings : [ok(NAME, "nothing was given up")];
  } finally {
    await broker.close();
  }
};

const ASTRAY: readonly (readonly [queue: string, advice: string])[] = [
  [UNROUTED_QUEUE, "their lane is not deployed, or its filter is younger than 15 minutes"],
  [UNDELIVERED_QUEUE, "SNS or the scheduler could not hand them over: a policy or a key is wrong"],
  [LEDGER_DEAD_QUEUE, "the recorder cannot read them: was it updated after the producer?"],
];
