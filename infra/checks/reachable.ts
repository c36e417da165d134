import { referredTo, resourcesOf } from "./template.ts";
import type { Check, Template } from "./template.ts";

/**
 * A service behind a load balancer whose port nobody may reach (L7): its health check fails, and its tasks restart for
 * ever. An application load balancer of the same app gets a rule by itself; a network load balancer and an imported
 * target group do not, and say nothing.
 */
export const checkReachable: Check = (template) =>
  resourcesOf(template, "AWS::ECS::Service").flatMap(([id, { Properties = {} }]) => {
    const balanced = (Properties["LoadBalancers"] ?? []) as readonly { ContainerPort?: number }[];
    const groups = groupsOf(Properties["NetworkConfiguration"]);
    return balanced.flatMap(({ ContainerPort: port = 0 }) => {
      if (groups.length === 0) {
        return [`${id}: port ${port} is behind a load balancer, and no security group is declared`];
      }
      if (groups.some((group) => lets(template, group, port))) return [];
      return [
        `${id}: port ${port} is behind a load balancer, and ${groups.join(" and ")} let nobody reach it; declare the rule`,
      ];
    });
  });

function groupsOf(network: unknown): string[] {
  const { AwsvpcConfiguration } = (network ?? {}) as {
    AwsvpcConfiguration?: { SecurityGroups?: readonly unknown[] };
  };
  return (AwsvpcConfiguration?.SecurityGroups ?? []).map(
    (group) => referredTo(group) ?? String(group),
  );
}

interface Ingress {
  readonly FromPort?: number;
  readonly ToPort?: number;
  readonly IpProtocol?: string;
  readonly GroupId?: unknown;
}

function lets(template: Template, group: string, port: number): boolean {
  const inline = template.Resources?.[group]?.Properties?.["SecurityGroupIngress"];
  const rules = [
    ...((inline ?? []) as readonly Ingress[]),
    ...resourcesOf(template, "AWS::EC2::SecurityGroupIngress")
      .map(([, { Properties }]) => Properties as Ingress)
      .filter(({ GroupId }) => referredTo(GroupId) === group),
  ];
  return rules.some(
    ({ FromPort = 0, ToPort = FromPort, IpProtocol }) =>
      IpProtocol === "-1" || (IpProtocol === "tcp" && FromPort <= port && port <= ToPort),
  );
}
