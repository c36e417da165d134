import { ResourceImpact, fullDiff } from "@aws-cdk/cloudformation-diff";
import type { Resource, Template } from "./template.ts";

/**
 * Guards what cannot be had again: a change that would replace or remove it, or upgrade a database to another major
 * version (L6), is refused unless it is allowed by name.
 */

/**
 * Holds data, or is known outside by its identity: subscribers know a topic, people a queue's URL.
 * Logs are left out: they go with what wrote them.
 */
const STATEFUL: ReadonlySet<string> = new Set([
  "AWS::CloudFront::Distribution",
  "AWS::DynamoDB::GlobalTable",
  "AWS::DynamoDB::Table",
  "AWS::EC2::VPC",
  "AWS::KMS::Key",
  "AWS::RDS::DBInstance",
  "AWS::RDS::DBSubnetGroup",
  "AWS::S3::Bucket",
  "AWS::SNS::Topic",
  "AWS::SQS::Queue",
  "AWS::SecretsManager::Secret",
  "AWS::WAFv2::IPSet",
  "AWS::WAFv2::WebACL",
]);

const LOSSES: ReadonlySet<ResourceImpact> = new Set([
  ResourceImpact.WILL_REPLACE,
  ResourceImpact.MAY_REPLACE,
  ResourceImpact.WILL_DESTROY,
  ResourceImpact.WILL_ORPHAN,
]);

/** A change that somebody has thought about. */
export interface AllowedChange {
  readonly stack: string;
  /** Its logical id. */
  readonly resource: string;
  readonly why: string;
}

/** Does a resource of that type hold what cannot be had again? */
export function isStateful(type: string): boolean {
  return STATEFUL.has(type);
}

/** A template's stateful resources alone. */
export function statefulPart(template: Template): { Resources: Record<string, Resource> } {
  const found = Object.entries(template.Resources ?? {}).filter(([, { Type }]) =>
    STATEFUL.has(Type),
  );
  return { Resources: Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1))) };
}

/**
 * What an update of the stack from one template to the other would lose, a line each.
 * `before`: what is deployed, or what was when it was last accepted.
 */
export function checkStateful(
  stack: string,
  before: Template,
  after: Template,
  allowed: readonly AllowedChange[],
): string[] {
  const isAllowed = (resource: string): boolean =>
    allowed.some((change) => change.stack === stack && change.resource === resource);
  const found: string[] = [];
  const diff = fullDiff(statefulPart(before), statefulPart(after));
  diff.resources.forEachDifference((id, change) => {
    if (isAllowed(id)) return;
    const type = change.oldResourceType ?? change.newResourceType ?? "";
    if (LOSSES.has(change.changeImpact)) {
      found.push(`${stack}: ${id} (${type}) ${WORDS[change.changeImpact]}; its data would be lost`);
    }
    const [from, to] = [majorOf(change.oldValue), majorOf(change.newValue)];
    if (from !== undefined && to !== undefined && from !== to) {
      found.push(
        `${stack}: ${id} goes from major version ${from} to ${to}, which cannot be undone; the runbook says how to`,
      );
    }
  });
  return found;
}

const WORDS: Readonly<Partial<Record<ResourceImpact, string>>> = {
  [ResourceImpact.WILL_REPLACE]: "will be replaced",
  [ResourceImpact.MAY_REPLACE]: "may be replaced",
  [ResourceImpact.WILL_DESTROY]: "will be deleted",
  [ResourceImpact.WILL_ORPHAN]: "will be left behind, and made anew",
};

function majorOf(
  resource: { Properties?: Record<string, unknown> } | undefined,
): string | undefined {
  const version = resource?.Properties?.["EngineVersion"];
  return typeof version === "string" ? version.split(".")[0] : undefined;
}
