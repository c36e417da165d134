import { Duration, TimeZone } from "aws-cdk-lib";
import { Metric, Stats } from "aws-cdk-lib/aws-cloudwatch";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import {
  Schedule,
  ScheduleExpression,
  ScheduleGroup,
  ScheduleTargetInput,
  ContextAttribute,
} from "aws-cdk-lib/aws-scheduler";
import { LambdaInvoke } from "aws-cdk-lib/aws-scheduler-targets";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { ScheduleSettings } from "../environments/environment.ts";
import type { Alarms } from "./alarms.ts";

export interface SchedulesProps {
  /** Of names that are found from outside. */
  readonly prefix: string;
  readonly producer: LambdaFunction;
  readonly plansBucket: string;
  readonly schedules: readonly ScheduleSettings[];
  /** Takes what the scheduler could not hand over. */
  readonly deadLetterQueue: Queue;
  readonly alarms: Alarms;
}

/**
 * Scheduled runs. The scheduler fires at least once: the time for which it fired makes the run's id, so that two firings
 * are one run. The overlap policy travels with it and is held by the producer, who alone knows whether the run before is over.
 */
export class Schedules extends Construct {
  constructor(scope: Construct, id: string, props: SchedulesProps) {
    super(scope, id);
    const { prefix, producer, plansBucket, schedules, deadLetterQueue, alarms } = props;
    for (const { name, plan, cron, timeZone, overlap, expectedEveryHours, enabled } of schedules) {
      // The scheduler counts by group only, and each schedule's silence is to be heard.
      const scheduleGroup = new ScheduleGroup(this, `${name}-group`, {
        scheduleGroupName: `${prefix}-${name}`,
      });
      new Schedule(this, name, {
        schedule: ScheduleExpression.expression(`cron(${cron})`, TimeZone.of(timeZone)),
        scheduleGroup,
        enabled,
        target: new LambdaInvoke(producer, {
          deadLetterQueue,
          maxEventAge: Duration.hours(1),
          retryAttempts: 10,
          input: ScheduleTargetInput.fromObject({
            plan: `s3://${plansBucket}/${plan}`,
            name,
            time: ContextAttribute.scheduledTime,
            overlap,
          }),
        }),
      });
      const metric = new Metric({
        namespace: "AWS/Scheduler",
        metricName: "InvocationAttemptCount",
        dimensionsMap: { ScheduleGroup: scheduleGroup.scheduleGroupName },
        period: Duration.hours(1),
        statistic: Stats.SUM,
      });
      alarms.onSilence(
        metric,
        expectedEveryHours,
        enabled,
        `${name}-silent`,
        `schedule ${name} has not fired for ${expectedEveryHours} hours; is it enabled, and its cron right?`,
      );
    }
  }
}
