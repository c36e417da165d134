import { checkDatabase } from "./database.ts";
import { checkPolicies } from "./policies.ts";
import {
  checkDeadLetterAlarms,
  checkReceives,
  checkSubscriptions,
  checkVisibility,
} from "./queues.ts";
import { checkReachable } from "./reachable.ts";
import { checkCron } from "./schedules.ts";
import type { Check, Template } from "./template.ts";
import { checkWaf } from "./waf.ts";

/** What CDK's own validation and cdk-nag both miss. */
const CHECKS: readonly Check[] = [
  checkCron,
  checkDatabase,
  checkDeadLetterAlarms,
  checkPolicies,
  checkReachable,
  checkReceives,
  checkSubscriptions,
  checkVisibility,
  checkWaf,
];

/** What is wrong with a stack's template, a line each. */
export function checkTemplate(stack: string, template: Template): string[] {
  return CHECKS.flatMap((check) => check(template)).map((fault) => `${stack}: ${fault}`);
}
