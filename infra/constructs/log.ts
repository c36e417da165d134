import { RemovalPolicy } from "aws-cdk-lib";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import type { Environment } from "../environments/environment.ts";

type Days = Environment["logs"]["retentionDays"];

const RETENTION: Readonly<Record<Days, RetentionDays>> = {
  1: RetentionDays.ONE_DAY,
  7: RetentionDays.ONE_WEEK,
  14: RetentionDays.TWO_WEEKS,
  30: RetentionDays.ONE_MONTH,
  90: RetentionDays.THREE_MONTHS,
  180: RetentionDays.SIX_MONTHS,
  365: RetentionDays.ONE_YEAR,
};

/** A log of its own, which forgets by itself and goes with its stack. */
export function makeLog(scope: Construct, retentionDays: Days): LogGroup {
  return new LogGroup(scope, "log", {
    retention: RETENTION[retentionDays],
    removalPolicy: RemovalPolicy.DESTROY,
  });
}
