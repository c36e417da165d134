import { App, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { Peer, Port, SecurityGroup, Vpc } from "aws-cdk-lib/aws-ec2";
import type { IVpc } from "aws-cdk-lib/aws-ec2";
import {
  Cluster,
  ContainerImage,
  FargateService,
  FargateTaskDefinition,
} from "aws-cdk-lib/aws-ecs";
import type { ICluster } from "aws-cdk-lib/aws-ecs";
import {
  ApplicationLoadBalancer,
  ApplicationTargetGroup,
  NetworkLoadBalancer,
} from "aws-cdk-lib/aws-elasticloadbalancingv2";
import { expect, test } from "vitest";
import { checkReachable } from "../../../infra/checks/reachable.ts";

/** The mistake of L7, made with the constructs that people use. */

interface Made {
  readonly stack: Stack;
  readonly vpc: IVpc;
  readonly service: FargateService;
}

function makeService(more: { readonly securityGroup?: "with a rule" } = {}): Made {
  const stack = new Stack(new App(), "stack");
  const vpc = new Vpc(stack, "vpc", { maxAzs: 2, natGateways: 0 }) as IVpc;
  const task = new FargateTaskDefinition(stack, "task");
  task.addContainer("web", {
    image: ContainerImage.fromRegistry("example/web"),
    portMappings: [{ containerPort: 8080 }],
  });
  const group = new SecurityGroup(stack, "group", { vpc });
  if (more.securityGroup !== undefined) {
    group.addIngressRule(Peer.ipv4(vpc.vpcCidrBlock), Port.tcp(8080));
  }
  const service = new FargateService(stack, "service", {
    cluster: new Cluster(stack, "cluster", { vpc }) as ICluster,
    taskDefinition: task,
    securityGroups: [group],
    minHealthyPercent: 0,
  });
  return { stack, vpc, service };
}

function found({ stack }: Made): string[] {
  return checkReachable(Template.fromStack(stack).toJSON());
}

test("a service behind an application load balancer of the same app is reachable by itself", () => {
  const made = makeService();
  const balancer = new ApplicationLoadBalancer(made.stack, "alb", { vpc: made.vpc });
  balancer
    .addListener("http", { port: 80 })
    .addTargets("web", { port: 80, targets: [made.service] });
  expect(found(made)).toEqual([]);
});

test("L7: behind an imported target group nobody may reach it, and that is found", () => {
  const made = makeService();
  const group = ApplicationTargetGroup.fromTargetGroupAttributes(made.stack, "elsewhere", {
    targetGroupArn:
      "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef",
  });
  made.service.attachToApplicationTargetGroup(group);
  expect(found(made)).toEqual([
    expect.stringMatching(/port 8080 is behind a load balancer, and group\w+ let nobody reach it/),
  ]);
});

test("L7: behind a network load balancer, which says nothing, that is found too, unless the rule is declared", () => {
  for (const [securityGroup, faults] of [
    [undefined, 1],
    ["with a rule", 0],
  ] as const) {
    const made = makeService(securityGroup === undefined ? {} : { securityGroup });
    const balancer = new NetworkLoadBalancer(made.stack, "nlb", { vpc: made.vpc });
    balancer
      .addListener("tcp", { port: 80 })
      .addTargets("web", { port: 80, targets: [made.service] });
    expect(found(made)).toHaveLength(faults);
  }
});
