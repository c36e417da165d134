import { allReferredTo, referredTo, resourcesOf } from "./template.ts";
import type { Check } from "./template.ts";

/** Source: Lambda developer guide, "Using Lambda with Amazon SQS": six times the function's timeout, and the window. */
const VISIBILITY_FACTOR = 6;
/** SQS's own default. */
const USUAL_VISIBILITY_SECONDS = 30;
/** A throttle counts as a receive. */
const LEAST_RECEIVES = 5;

/** A queue whose messages come again while a function may still be at them. */
export const checkVisibility: Check = (template) =>
  resourcesOf(template, "AWS::Lambda::EventSourceMapping").flatMap(([id, { Properties = {} }]) => {
    const queueId = referredTo(Properties["EventSourceArn"]) ?? "";
    const functionId = referredTo(Properties["FunctionName"]) ?? "";
    const queue = template.Resources?.[queueId];
    if (queue?.Type !== "AWS::SQS::Queue") return [];
    const timeout = Number(template.Resources?.[functionId]?.Properties?.["Timeout"] ?? 3);
    const window = Number(Properties["MaximumBatchingWindowInSeconds"] ?? 0);
    const visibility = Number(queue.Properties?.["VisibilityTimeout"] ?? USUAL_VISIBILITY_SECONDS);
    const least = VISIBILITY_FACTOR * timeout + window;
    if (visibility >= least) return [];
    return [
      `${id}: queue ${queueId} has a visibility timeout of ${visibility} s, and its function runs for up to ${timeout} s; at least ${least} s`,
    ];
  });

/** A queue that gives a message up after few receives, of which throttles are some. */
export const checkReceives: Check = (template) =>
  resourcesOf(template, "AWS::SQS::Queue").flatMap(([id, { Properties = {} }]) => {
    const policy = Properties["RedrivePolicy"] as { maxReceiveCount?: unknown } | undefined;
    const receives = Number(policy?.maxReceiveCount ?? Infinity);
    if (receives >= LEAST_RECEIVES) return [];
    return [`${id}: a message is given up after ${receives} receives; at least ${LEAST_RECEIVES}`];
  });

/** A dead-letter queue of which nobody is told that something lies in it. */
export const checkDeadLetterAlarms: Check = (template) => {
  const watched = new Set(
    resourcesOf(template, "AWS::CloudWatch::Alarm")
      .filter(([, { Properties = {} }]) => Array.isArray(Properties["AlarmActions"]))
      .flatMap(([, { Properties }]) => [...allReferredTo(Properties)]),
  );
  const deadLetters = new Map<string, string>();
  for (const [id, { Type, Properties = {} }] of Object.entries(template.Resources ?? {})) {
    if (Type !== "AWS::SQS::Queue" && Type !== "AWS::SNS::Subscription") continue;
    const policy = Properties["RedrivePolicy"] as { deadLetterTargetArn?: unknown } | undefined;
    const target = referredTo(policy?.deadLetterTargetArn);
    if (target !== undefined) deadLetters.set(target, id);
  }
  return [...deadLetters]
    .filter(([target]) => !watched.has(target))
    .map(([target, of]) => `${target}: takes what ${of} gives up, and no alarm watches it`);
};

/** A subscription whose undelivered messages are lost after 23 days. */
export const checkSubscriptions: Check = (template) =>
  resourcesOf(template, "AWS::SNS::Subscription").flatMap(([id, { Properties = {} }]) =>
    Properties["Protocol"] === "sqs" && Properties["RedrivePolicy"] === undefined
      ? [`${id}: what SNS cannot deliver is lost; give it a dead-letter queue`]
      : [],
  );
