import { ADDRESS_FAMILIES, MAINTENANCE_RULE, addressSetName } from "../edge/names.ts";

/** One property of a deployed resource that is not what its template says. */
export interface Drift {
  readonly type: string;
  /** CloudFormation's: of an address set `name|id|scope`. */
  readonly physicalId: string;
  /** `/Addresses/0` */
  readonly path: string;
  /** The resource's properties as the template has them; null where CloudFormation does not tell. */
  readonly expected: unknown;
}

interface Allowed {
  readonly isIt: (drift: Drift, prefix: string) => boolean;
  readonly why: string;
}

/** What functions and services change at run time, and no deployment undoes. Everything else should be as declared (L14). */
const ALLOWED: readonly Allowed[] = [
  {
    isIt: ({ type, physicalId, path }, prefix) =>
      type === "AWS::WAFv2::IPSet" &&
      /^\/Addresses(\/|$)/.test(path) &&
      ADDRESS_FAMILIES.some((family) =>
        physicalId.startsWith(`${addressSetName(prefix, "registered", family)}|`),
      ),
    why: "addresses that developers registered",
  },
  {
    isIt: ({ type, path, expected }) => {
      const [, index] = /^\/Rules\/(\d+)\/Action(\/|$)/.exec(path) ?? [];
      return (
        type === "AWS::WAFv2::WebACL" &&
        index !== undefined &&
        ruleName(expected, index) === MAINTENANCE_RULE
      );
    },
    why: "maintenance switched by --now",
  },
  {
    isIt: ({ type, path }) => type === "AWS::ECS::Service" && path === "/DesiredCount",
    why: "tasks that the backlog asked for",
  },
];

/** Why a drift is as it should be; undefined: it is not. `prefix`: the deployment's. */
export function allowedDrift(drift: Drift, prefix: string): string | undefined {
  return ALLOWED.find(({ isIt }) => isIt(drift, prefix))?.why;
}

function ruleName(properties: unknown, index: string): unknown {
  const { Rules } = Object(properties) as { Rules?: readonly { readonly Name?: string }[] };
  return Rules?.[Number(index)]?.Name;
}
