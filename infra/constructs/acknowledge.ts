import { Validations } from "aws-cdk-lib";
import type { IConstruct } from "constructs";

/** Findings of cdk-nag that somebody has thought about, for a construct and all within it: the rule, and why it does not hold here. */
export function acknowledge(scope: IConstruct, reasons: Readonly<Record<string, string>>): void {
  for (const [rule, reason] of Object.entries(reasons)) {
    const [pack = ""] = rule.split("-", 1);
    Validations.of(scope).acknowledge({ id: `${pack}::${rule}`, reason });
  }
}
