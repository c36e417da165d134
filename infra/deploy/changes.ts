import { ResourceImpact, fullDiff } from "@aws-cdk/cloudformation-diff";
import type { ResourceDifference, TemplateDiff } from "@aws-cdk/cloudformation-diff";
import { isStateful } from "../checks/stateful.ts";
import type { Template } from "../checks/template.ts";
import type { SynthesisedStack } from "./assembly.ts";

/** What a deployment would do to one stack, as the templates tell it: CloudFormation itself may find less to do. */
export interface StackChanges {
  readonly stack: string;
  readonly stackName: string;
  readonly region: string;
  /** There is none yet: all of it is added. */
  readonly isNew: boolean;
  readonly resources: readonly ResourceChange[];
  /** Who may do more, or less; ways into and out of networks. */
  readonly security: readonly SecurityChange[];
  /** Changes of outputs, parameters and the like. */
  readonly others: number;
}

export type Action = "add" | "change" | "replace" | "may replace" | "remove" | "leave behind";

export interface ResourceChange {
  /** Among the constructs: `backbone/lane-crm`; the logical id of what is not declared any more. */
  readonly path: string;
  readonly id: string;
  readonly type: string;
  readonly action: Action;
  /** What of it changes, as `Timeout 60 → 90`, or the property's name alone. */
  readonly properties: readonly string[];
  /** It holds data, or is known outside by its identity. */
  readonly holdsState: boolean;
}

export interface SecurityChange {
  readonly action: "add" | "remove";
  readonly what: string;
}

const ACTIONS: Readonly<Partial<Record<ResourceImpact, Action>>> = {
  [ResourceImpact.WILL_CREATE]: "add",
  [ResourceImpact.WILL_IMPORT]: "add",
  [ResourceImpact.WILL_UPDATE]: "change",
  [ResourceImpact.WILL_REPLACE]: "replace",
  [ResourceImpact.MAY_REPLACE]: "may replace",
  [ResourceImpact.WILL_DESTROY]: "remove",
  [ResourceImpact.WILL_ORPHAN]: "leave behind",
};

/** Longer values tell a person nothing. */
const SHOWN_CHARS = 24;

/** `before`: what is deployed; undefined: nothing. */
export function compareTemplates(
  { id, stackName, region, template, paths }: SynthesisedStack,
  before: Template | undefined,
): StackChanges {
  const diff = fullDiff({ ...before }, { ...template });
  const resources: ResourceChange[] = [];
  diff.resources.forEachDifference((logicalId, change) => {
    const type = change.newResourceType ?? change.oldResourceType ?? "";
    resources.push({
      path: paths.get(logicalId) ?? logicalId,
      id: logicalId,
      type,
      action: ACTIONS[change.changeImpact] ?? "change",
      properties: change.isAddition || change.isRemoval ? [] : propertiesOf(change),
      holdsState: isStateful(type),
    });
  });
  return {
    stack: id,
    stackName,
    region,
    isNew: before === undefined,
    resources: resources.toSorted((a, b) => RANK[a.action] - RANK[b.action]),
    security: securityOf(diff, paths),
    others: diff.differenceCount - diff.resources.differenceCount,
  };
}

/** Is there anything to deploy? */
export function isChanged({ isNew, resources, others }: StackChanges): boolean {
  return isNew || resources.length > 0 || others > 0;
}

/** What may cost most is told last, next to the question. */
const RANK: Readonly<Record<Action, number>> = {
  add: 0,
  change: 1,
  "may replace": 2,
  replace: 3,
  "leave behind": 4,
  remove: 5,
};

function propertiesOf(change: ResourceDifference): string[] {
  return [
    ...Object.entries(change.propertyUpdates).map(([name, { oldValue, newValue }]) => {
      const [from, to] = [shown(oldValue), shown(newValue)];
      return from === undefined || to === undefined ? name : `${name} ${from} → ${to}`;
    }),
    ...Object.keys(change.otherChanges),
  ];
}

function shown(value: unknown): string | undefined {
  const isPlain = ["string", "number", "boolean"].includes(typeof value);
  const text = isPlain ? String(value) : undefined;
  return text !== undefined && text.length <= SHOWN_CHARS ? text : undefined;
}

function securityOf(diff: TemplateDiff, paths: ReadonlyMap<string, string>): SecurityChange[] {
  const { statements, managedPolicies } = diff.iamChanges;
  const { ingress, egress } = diff.securityGroupChanges;
  const readable = (text: string): string =>
    text.replaceAll(/\$\{(\w+)(\.\w+)?\}/g, (whole, id: string) => paths.get(id) ?? whole);
  const told = <T>(
    { additions, removals }: { readonly additions: readonly T[]; readonly removals: readonly T[] },
    tell: (one: T) => string,
  ): SecurityChange[] => [
    ...removals.map((one) => ({ action: "remove" as const, what: readable(tell(one)) })),
    ...additions.map((one) => ({ action: "add" as const, what: readable(tell(one)) })),
  ];
  return [
    ...told(statements, (statement) => {
      const { effect, action, resource, principal, condition } = statement.render();
      const when = condition === "" ? "" : " under a condition";
      const who = principal.replace(/^(AWS|Service):/, "");
      return `${effect === "Deny" ? "deny " : ""}${oneLine(who)}: ${oneLine(action)} on ${oneLine(resource)}${when}`;
    }),
    ...told(managedPolicies, (one) => `${one.identityArn}: policy ${one.managedPolicyArn}`),
    ...told(
      ingress,
      (rule) => `into ${rule.groupId} from ${rule.describePeer()}: ${rule.describeProtocol()}`,
    ),
    ...told(
      egress,
      (rule) => `out of ${rule.groupId} to ${rule.describePeer()}: ${rule.describeProtocol()}`,
    ),
  ];
}

function oneLine(text: string): string {
  return text.replaceAll("\n", ", ");
}
