import { Duration } from "aws-cdk-lib";
import {
  Alarm,
  ComparisonOperator,
  MathExpression,
  Stats,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import type { IMetric } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { Subscription, SubscriptionProtocol, Topic } from "aws-cdk-lib/aws-sns";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Stack } from "aws-cdk-lib";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";

const PERIOD = Duration.minutes(1);

/**
 * Who is told when somebody should look, and of what. An alarm that is over is told of too.
 *
 * What a dead-letter queue holds is counted by what lies in it: `NumberOfMessagesSent` leaves out what SQS itself moved.
 * Source: SQS developer guide, "Available CloudWatch metrics".
 */
export class Alarms extends Construct {
  readonly topic: Topic;

  constructor(scope: Construct, id: string, { email }: { readonly email: string }) {
    super(scope, id);
    // Not encrypted with SNS's own key: CloudWatch could not publish then. It carries names of alarms and nothing else.
    this.topic = new Topic(this, "topic", { enforceSSL: true });
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal("cloudwatch.amazonaws.com")],
        actions: ["sns:Publish"],
        resources: [this.topic.topicArn],
        conditions: { StringEquals: { "aws:SourceAccount": Stack.of(this).account } },
      }),
    );
    const mail = new Subscription(this, "email", {
      topic: this.topic,
      protocol: SubscriptionProtocol.EMAIL,
      endpoint: email,
    });
    acknowledge(mail, {
      "Serverless-SNSRedrivePolicy":
        "a mail that bounces helps nobody in a queue; the alarm itself stays red",
    });
  }

  /** Something lies in the queue: at least `least` messages, also those that somebody is reading just now. */
  onMessages(queue: Queue, least: number, what: string): void {
    const metric = new MathExpression({
      expression: "visible + hidden",
      label: what,
      period: PERIOD,
      usingMetrics: {
        visible: queue.metricApproximateNumberOfMessagesVisible({
          period: PERIOD,
          statistic: Stats.MAXIMUM,
        }),
        hidden: queue.metricApproximateNumberOfMessagesNotVisible({
          period: PERIOD,
          statistic: Stats.MAXIMUM,
        }),
      },
    });
    this.#add(queue.node.id, metric, least, what);
  }

  /** The oldest message waits for longer. */
  onAge(queue: Queue, longestMs: number): void {
    const metric = queue.metricApproximateAgeOfOldestMessage({
      period: PERIOD,
      statistic: Stats.MAXIMUM,
    });
    const what = `messages of ${queue.node.id} wait for more than ${Math.round(longestMs / 60_000)} minutes: is its worker at work, its API slow?`;
    this.#add(`${queue.node.id}-age`, metric, longestMs / 1_000, what, 3);
  }

  /** Invocations fail, or are throttled. */
  onFailures(worker: LambdaFunction, name: string): void {
    const options = { period: Duration.minutes(5), statistic: Stats.SUM };
    this.#add(
      `${name}-errors`,
      worker.metricErrors(options),
      1,
      `${name}: invocations fail; its log says why`,
    );
    this.#add(
      `${name}-throttles`,
      worker.metricThrottles(options),
      1,
      `${name}: invocations are throttled, which counts as a receive; the account's concurrency is used up`,
      3,
    );
  }

  /** A quarter of an hour above or below a level. */
  onLevel(
    metric: IMetric,
    level: { readonly above: number } | { readonly below: number },
    id: string,
    what: string,
  ): void {
    const [threshold, comparisonOperator] =
      "above" in level
        ? ([level.above, ComparisonOperator.GREATER_THAN_THRESHOLD] as const)
        : ([level.below, ComparisonOperator.LESS_THAN_THRESHOLD] as const);
    const alarm = new Alarm(this, id, {
      metric,
      threshold,
      comparisonOperator,
      evaluationPeriods: 3,
      treatMissingData: TreatMissingData.MISSING,
      alarmDescription: what,
    });
    this.#tell(alarm);
  }

  /** Nothing was done within so many hours, as when a schedule did not run. */
  onSilence(metric: IMetric, hours: number, isExpected: boolean, id: string, what: string): void {
    const alarm = new Alarm(this, id, {
      metric,
      threshold: 1,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: hours,
      datapointsToAlarm: hours,
      treatMissingData: TreatMissingData.BREACHING,
      alarmDescription: what,
      actionsEnabled: isExpected,
    });
    this.#tell(alarm);
  }

  #add(id: string, metric: IMetric, threshold: number, what: string, periods = 1): void {
    const alarm = new Alarm(this, id, {
      metric,
      threshold,
      evaluationPeriods: periods,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      alarmDescription: what,
    });
    this.#tell(alarm);
  }

  #tell(alarm: Alarm): void {
    const action = new SnsAction(this.topic);
    alarm.addAlarmAction(action);
    alarm.addOkAction(action);
  }
}
