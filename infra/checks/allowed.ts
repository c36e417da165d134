import type { ParityRule } from "./parity.ts";
import type { AllowedChange } from "./stateful.ts";

/** Losses of what holds state that somebody wants: one entry a change, removed once it is deployed everywhere. */
export const ALLOWED_CHANGES: readonly AllowedChange[] = [];

/** Where environments may differ, and why. Everything else is the same in all of them (L8). */
export const ALLOWED_DIFFERENCES: readonly ParityRule[] = [
  {
    stack: "pipeline",
    type: "AWS::Logs::LogGroup",
    property: "RetentionInDays",
    why: "what was tried need not be kept for long",
  },
  {
    stack: "pipeline",
    type: "AWS::S3::Bucket",
    property: "LifecycleConfiguration",
    why: "the same",
  },
  {
    stack: "pipeline",
    type: "AWS::CloudWatch::Alarm",
    property: "Threshold",
    why: "nobody is got out of bed for a test",
  },
  {
    stack: "pipeline",
    type: "AWS::CloudWatch::Alarm",
    property: "AlarmDescription",
    why: "names the threshold",
  },
  {
    stack: "pipeline",
    type: "AWS::SNS::Subscription",
    property: "Endpoint",
    why: "who is told",
  },
  {
    stack: "pipeline",
    type: "AWS::Scheduler::Schedule",
    property: "State",
    why: "schedules rest in test, where runs are begun by hand",
  },
  {
    stack: "pipeline",
    type: "AWS::CloudWatch::Alarm",
    property: "ActionsEnabled",
    why: "the silence of a schedule that rests is no alarm",
  },
  {
    stack: "pipeline",
    type: "AWS::ApplicationAutoScaling::ScalableTarget",
    property: "MaxCapacity",
    why: "a test may not run as many tasks",
  },
  {
    stack: "edge",
    type: "AWS::Logs::LogGroup",
    property: "RetentionInDays",
    why: "what was tried need not be kept for long",
  },
  {
    stack: "edge",
    type: "AWS::SNS::Subscription",
    property: "Endpoint",
    why: "who is told",
  },
  {
    stack: "edge",
    type: "AWS::Lambda::Function",
    property: "Environment",
    why: "names for how long an address stays registered",
  },
  {
    stack: "site",
    type: "AWS::Logs::LogGroup",
    property: "RetentionInDays",
    why: "what was tried need not be kept for long",
  },
  {
    stack: "site",
    type: "AWS::S3::Bucket",
    property: "LifecycleConfiguration",
    why: "the same",
  },
  {
    stack: "ledger",
    type: "AWS::RDS::DBInstance",
    property: "DBInstanceClass",
    why: "a test records little",
  },
  {
    stack: "ledger",
    type: "AWS::RDS::DBInstance",
    property: "MaxAllocatedStorage",
    why: "the same",
  },
  {
    stack: "ledger",
    type: "AWS::RDS::DBInstance",
    property: "MultiAZ",
    why: "what is tried may stand still for an hour",
  },
  {
    stack: "ledger",
    type: "AWS::RDS::DBInstance",
    property: "BackupRetentionPeriod",
    why: "what was tried need not come back",
  },
  {
    stack: "ledger",
    type: "AWS::RDS::DBInstance",
    property: "DeleteAutomatedBackups",
    why: "a test's data goes with its stack",
  },
  {
    stack: "ledger",
    type: "AWS::RDS::DBInstance",
    property: "DeletionProtection",
    why: "the same",
  },
  {
    stack: "ledger",
    type: "AWS::Logs::LogGroup",
    property: "RetentionInDays",
    why: "what was tried need not be kept for long",
  },
  {
    stack: "ledger",
    type: "AWS::Lambda::Function",
    property: "Environment",
    resource: "functionsretention",
    why: "runs of a test are forgotten sooner",
  },
  {
    stack: "ledger",
    type: "AWS::CloudWatch::Alarm",
    property: "Threshold",
    why: "nobody is got out of bed for a test",
  },
  {
    stack: "ledger",
    type: "AWS::CloudWatch::Alarm",
    property: "AlarmDescription",
    why: "names the threshold",
  },
  {
    stack: "ledger",
    type: "AWS::SNS::Subscription",
    property: "Endpoint",
    why: "who is told",
  },
];
