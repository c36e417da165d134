import { isIPv4, isIPv6 } from "node:net";
import { MAX_BODY_BYTES } from "../maintenance/page.ts";
import { referredTo, resourcesOf } from "./template.ts";
import type { Check, Template } from "./template.ts";

type Properties = Readonly<Record<string, unknown>>;

interface Rule extends Properties {
  readonly Name?: string;
  readonly Priority?: number;
}

/**
 * What AWS WAF refuses at deployment, or takes and does otherwise than meant, and CDK's validation lets pass.
 * A value that only deployment knows (a parameter, another stack's) is not judged.
 */
export const checkWaf: Check = (template) => [
  ...resourcesOf(template, "AWS::WAFv2::IPSet").flatMap(([id, { Properties = {} }]) =>
    checkAddresses(id, Properties),
  ),
  ...resourcesOf(template, "AWS::WAFv2::WebACL").flatMap(([id, { Properties = {} }]) => [
    ...checkActions(id, Properties),
    ...checkPriorities(id, Properties),
    ...checkBodies(id, Properties),
    ...checkScopes(id, Properties, template),
  ]),
];

function checkAddresses(id: string, { IPAddressVersion, Addresses }: Properties): string[] {
  const [isOfFamily, family] = IPAddressVersion === "IPV6" ? [isIPv6, "IPv6"] : [isIPv4, "IPv4"];
  return listOf(Addresses).flatMap((cidr) => {
    if (typeof cidr !== "string") return [];
    const [address = "", prefix] = cidr.split("/");
    if (!isOfFamily(address)) return [`${id}: ${cidr} in a set of ${family} addresses`];
    // Source: AWS WAF API reference, IPSet: all ranges but /0.
    if (!(Number(prefix) > 0)) return [`${id}: ${cidr} needs a prefix of /1 or longer`];
    return [];
  });
}

/** A rule has an action; a rule group has none, but must say that it leaves those of its rules as they are. */
function checkActions(id: string, acl: Properties): string[] {
  return rulesOf(acl).flatMap((rule) => {
    const isGroup = ["ManagedRuleGroupStatement", "RuleGroupReferenceStatement"].some(
      (kind) => kind in ((rule["Statement"] ?? {}) as Properties),
    );
    const [needed, wrong] = isGroup
      ? (["OverrideAction", "Action"] as const)
      : (["Action", "OverrideAction"] as const);
    const name = isGroup ? `rule group ${rule.Name}` : `rule ${rule.Name}`;
    return [
      ...(isEmpty(rule[needed]) ? [`${id}: ${name} has no ${needed}`] : []),
      ...(rule[wrong] === undefined ? [] : [`${id}: ${name} has ${wrong} where ${needed} belongs`]),
    ];
  });
}

function checkPriorities(id: string, acl: Properties): string[] {
  const names = new Map<unknown, string | undefined>();
  return rulesOf(acl).flatMap(({ Name, Priority }) => {
    if (names.has(Priority)) {
      return [`${id}: rules ${names.get(Priority)} and ${Name} both have priority ${Priority}`];
    }
    names.set(Priority, Name);
    return [];
  });
}

function checkBodies(id: string, acl: Properties): string[] {
  const bodies = (acl["CustomResponseBodies"] ?? {}) as Readonly<Record<string, Properties>>;
  const missing = everyValueOf(acl, "CustomResponseBodyKey").filter(
    (key) => typeof key === "string" && !Object.hasOwn(bodies, key),
  );
  return [
    ...missing.map((key) => `${id}: a response has the body ${String(key)}, which is not there`),
    ...Object.entries(bodies).flatMap(([key, { Content }]) => {
      const bytes = typeof Content === "string" ? Buffer.byteLength(Content) : 0;
      return bytes <= MAX_BODY_BYTES
        ? []
        : [`${id}: the body ${key} has ${bytes} bytes; at most ${MAX_BODY_BYTES}`];
    }),
  ];
}

/** What an ACL refers to is of its own scope: CloudFront's know nothing of a region's. */
function checkScopes(id: string, acl: Properties, template: Template): string[] {
  const references = [
    ...everyValueOf(acl, "IPSetReferenceStatement"),
    ...everyValueOf(acl, "RegexPatternSetReferenceStatement"),
    ...everyValueOf(acl, "RuleGroupReferenceStatement"),
  ];
  return references.flatMap((reference) => {
    const arn = (reference as { Arn?: unknown }).Arn;
    const scope = scopeOf(arn, template);
    if (scope === undefined || scope === acl["Scope"]) return [];
    const name = typeof arn === "string" ? arn : referredTo(arn);
    return [`${id}: of scope ${String(acl["Scope"])}, refers to ${name}, which is ${scope}`];
  });
}

/** Undefined: only deployment knows. */
function scopeOf(arn: unknown, template: Template): string | undefined {
  if (typeof arn === "string") {
    const kind = arn.split(":")[5]?.split("/")[0];
    return kind === "global" ? "CLOUDFRONT" : kind === "regional" ? "REGIONAL" : undefined;
  }
  const target = template.Resources?.[referredTo(arn) ?? ""];
  const scope = target?.Properties?.["Scope"];
  return typeof scope === "string" ? scope : undefined;
}

function rulesOf(acl: Properties): Rule[] {
  return listOf(acl["Rules"]) as Rule[];
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

function isEmpty(value: unknown): boolean {
  return typeof value !== "object" || value === null || Object.keys(value).length === 0;
}

/** Of every property of that name, however deep, in the branches of a condition too. */
function everyValueOf(value: unknown, name: string): unknown[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) =>
    key === name ? [part] : everyValueOf(part, name),
  );
}
