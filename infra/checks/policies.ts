import type { Check, Resource, Template } from "./template.ts";

interface Statement {
  readonly Effect?: string;
  readonly Action?: unknown;
  readonly Resource?: unknown;
}

/** Actions that AWS lets nobody name a resource for. Source: Service Authorization Reference. */
const WITHOUT_RESOURCE =
  /^(ec2:(Describe|CreateNetworkInterface|DeleteNetworkInterface)|xray:|ecr:GetAuthorizationToken$|wafv2:ListIPSets$)/;

/** A policy that allows every action of a service, or an action on everything. */
export const checkPolicies: Check = (template) =>
  statementsOf(template).flatMap(([id, { Effect, Action, Resource }]) => {
    if (Effect === "Deny") return [];
    const actions = listOf(Action);
    const wide = actions.filter((action) => action.includes("*"));
    const everywhere = listOf(Resource).includes("*");
    const unnamed = everywhere ? actions.filter((action) => !WITHOUT_RESOURCE.test(action)) : [];
    return [
      ...wide.map((action) => `${id}: allows ${action}; name the actions`),
      ...unnamed.map((action) => `${id}: allows ${action} on everything; name the resources`),
    ];
  });

function statementsOf(template: Template): [id: string, statement: Statement][] {
  return Object.entries(template.Resources ?? {}).flatMap(([id, resource]) =>
    documentsOf(resource).flatMap(({ Statement: statements = [] }) =>
      statements.map((statement): [string, Statement] => [id, statement]),
    ),
  );
}

interface Document {
  readonly Statement?: readonly Statement[];
}

/** Of what a principal may do; not what a resource lets others do, whose resource is itself. */
function documentsOf({ Type, Properties = {} }: Resource): Document[] {
  if (Type === "AWS::IAM::Policy" || Type === "AWS::IAM::ManagedPolicy") {
    return [Properties["PolicyDocument"] as Document];
  }
  if (Type !== "AWS::IAM::Role") return [];
  const inline = (Properties["Policies"] ?? []) as readonly { PolicyDocument: Document }[];
  return inline.map(({ PolicyDocument }) => PolicyDocument);
}

function listOf(value: unknown): string[] {
  const list = Array.isArray(value) ? (value as unknown[]) : [value];
  return list.filter((one) => typeof one === "string");
}
