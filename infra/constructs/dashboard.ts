import { Duration } from "aws-cdk-lib";
import { Dashboard, GraphWidget, Stats, TextWidget } from "aws-cdk-lib/aws-cloudwatch";
import type { IMetric } from "aws-cdk-lib/aws-cloudwatch";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { LEDGER_QUEUE, deadQueue, failedQueue, laneQueue } from "../../shared/broker/broker.ts";
import type { Backbone } from "./backbone.ts";

const PERIOD = Duration.minutes(1);
const WIDTH = 8;

/** A row a lane: what waits, for how long, and what ended badly; then what is not recorded yet. */
export class PipelineDashboard extends Construct {
  constructor(
    scope: Construct,
    id: string,
    { backbone, lanes }: { readonly backbone: Backbone; readonly lanes: readonly string[] },
  ) {
    super(scope, id);
    const dashboard = new Dashboard(this, "dashboard", { defaultInterval: Duration.hours(12) });
    for (const lane of lanes) {
      const queue = backbone.queue(laneQueue(lane));
      dashboard.addWidgets(
        new GraphWidget({ title: `${lane}: messages`, width: WIDTH, left: depthOf(queue) }),
        new GraphWidget({
          title: `${lane}: age of the oldest, seconds`,
          width: WIDTH,
          left: [
            queue.metricApproximateAgeOfOldestMessage({ period: PERIOD, statistic: Stats.MAXIMUM }),
          ],
        }),
        new GraphWidget({
          title: `${lane}: failed and dead`,
          width: WIDTH,
          left: [failedQueue(lane), deadQueue(lane)].flatMap((name) =>
            depthOf(backbone.queue(name)),
          ),
        }),
      );
    }
    dashboard.addWidgets(
      new GraphWidget({
        title: "not recorded yet",
        width: WIDTH,
        left: depthOf(backbone.queue(LEDGER_QUEUE)),
      }),
      new TextWidget({
        width: 2 * WIDTH,
        markdown:
          "`senpu runs --env`, `senpu status RUN --env` and `senpu dlq --env` say more; the runbook says what to do.",
      }),
    );
  }
}

function depthOf(queue: Queue): IMetric[] {
  const options = { period: PERIOD, statistic: Stats.MAXIMUM };
  return [
    queue.metricApproximateNumberOfMessagesVisible({ ...options, label: "waiting" }),
    queue.metricApproximateNumberOfMessagesNotVisible({ ...options, label: "taken" }),
  ];
}
