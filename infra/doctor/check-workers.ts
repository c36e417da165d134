import { LambdaClient, ListEventSourceMappingsCommand } from "@aws-sdk/client-lambda";
import type { EventSourceMappingConfiguration } from "@aws-sdk/client-lambda";
import { explainRefusal } from "../../shared/aws/explain-refusal.ts";
import { LEDGER_QUEUE, laneQueue } from "../../shared/broker/broker.ts";
import { ok, problem, warning } from "../../shared/finding.ts";
import type { Finding } from "../../shared/finding.ts";
import { arnOf } from "./examination.ts";
import type { DeployedCheck } from "./examination.ts";

const NAME = "workers";

/** Does Lambda poll each queue whose worker is a function? Of containers, `check-tasks.ts` tells. */
export const checkWorkers: DeployedCheck = async (examination) => {
  const { clients, named, config } = examination;
  const client = clients.of(LambdaClient, named.region);
  const lanes = config.lanes.filter(({ worker }) => worker.kind === "lambda");
  const queues = [
    ...lanes.map(({ name }) => ({ what: `lane ${name}`, queue: laneQueue(name) })),
    ...(named.hasLedger ? [{ what: "the recorder", queue: LEDGER_QUEUE }] : []),
  ];
  const findings = await Promise.all(
    queues.map(async ({ what, queue }): Promise<Finding> => {
      const EventSourceArn = arnOf(examination, "sqs", `${named.prefix}-${queue}`);
      try {
        const { EventSourceMappings = [] } = await client.send(
          new ListEventSourceMappingsCommand({ EventSourceArn }),
        );
        return judge(what, EventSourceMappings[0], named.name);
      } catch (error) {
        throw explainRefusal(error, `asking what polls queue ${named.prefix}-${queue}`);
      }
    }),
  );
  return findings;
};

function judge(
  what: string,
  mapping: EventSourceMappingConfiguration | undefined,
  environment: string,
): Finding {
  if (mapping === undefined) {
    const advice = `it is deployed by: npx senpu deploy --env ${environment}`;
    return problem(NAME, `${what}: nothing polls its queue`, advice);
  }
  const { State = "unknown", StateTransitionReason: reason = "", UUID = "" } = mapping;
  if (State === "Enabled") return ok(NAME, `${what}: its queue is polled`);
  const found = `${what}: polling is ${State}${reason === "" ? "" : ` (${reason})`}`;
  if (State.endsWith("ing")) return warning(NAME, found, "look again in a minute");
  return problem(NAME, found, `aws lambda update-event-source-mapping --uuid ${UUID} --enabled`);
}
