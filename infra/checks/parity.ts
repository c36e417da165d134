import { fullDiff } from "@aws-cdk/cloudformation-diff";
import type { Template } from "./template.ts";

/** Environments may differ in these: `stack: type property`. Everything else must be the same (L8). */
export interface ParityRule {
  readonly stack: string;
  /** A resource's type, and a property of it; without one, the resource as a whole. */
  readonly type: string;
  readonly property?: string;
  /** How its logical id begins; absent: any of its type. */
  readonly resource?: string;
  readonly why: string;
}

/** A template in which nothing is named after its environment any more. */
export function withoutName(template: Template, prefix: string): Template {
  return JSON.parse(JSON.stringify(template).replaceAll(prefix, "senpu")) as Template;
}

/** Where two environments' templates differ and no rule allows it, a line each. */
export function checkParity(
  stack: string,
  one: Template,
  other: Template,
  rules: readonly ParityRule[],
): string[] {
  const found: string[] = [];
  const isAllowed = (id: string, type: string, property: string | undefined): boolean =>
    rules.some(
      (rule) =>
        rule.stack === stack &&
        rule.type === type &&
        id.startsWith(rule.resource ?? "") &&
        (rule.property === undefined || rule.property === property),
    );
  fullDiff(one, other).resources.forEachDifference((id, change) => {
    const type = change.oldResourceType ?? change.newResourceType ?? "";
    if (change.isAddition || change.isRemoval) {
      if (!isAllowed(id, type, undefined)) {
        found.push(`${stack}: ${id} (${type}) is in one of them only`);
      }
      return;
    }
    for (const property of Object.keys(change.propertyUpdates)) {
      if (!isAllowed(id, type, property)) {
        found.push(`${stack}: ${id} (${type}) differs in ${property}`);
      }
    }
  });
  return found;
}
