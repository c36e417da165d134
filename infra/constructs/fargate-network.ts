import { IpAddresses, IpProtocol, SecurityGroup, SubnetType, Vpc } from "aws-cdk-lib/aws-ec2";
import type { IVpc } from "aws-cdk-lib/aws-ec2";
import { Cluster, ContainerInsights } from "aws-cdk-lib/aws-ecs";
import type { ICluster } from "aws-cdk-lib/aws-ecs";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";

/**
 * Where Fargate workers run: public subnets and no NAT, which would cost more than the workers. Nobody may reach a task;
 * a task may reach whatever API it is to call, by IPv4 and IPv6. Made only where a lane asks for Fargate.
 */
export class FargateNetwork extends Construct {
  readonly cluster: ICluster;
  readonly vpc: IVpc;
  /** Declared here, so that nobody has to mend it by hand (L7): nothing in, everything out. */
  readonly securityGroup: SecurityGroup;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.vpc = new Vpc(this, "vpc", {
      ipAddresses: IpAddresses.cidr("10.42.0.0/20"),
      ipProtocol: IpProtocol.DUAL_STACK,
      maxAzs: 2,
      natGateways: 0,
      restrictDefaultSecurityGroup: false,
      subnetConfiguration: [
        {
          name: "workers",
          subnetType: SubnetType.PUBLIC,
          cidrMask: 24,
          mapPublicIpOnLaunch: false,
        },
      ],
    }) as IVpc;
    this.securityGroup = new SecurityGroup(this, "workers", {
      vpc: this.vpc,
      description: "Fargate workers: nothing reaches them, they reach every API",
      allowAllOutbound: true,
      allowAllIpv6Outbound: true,
    });
    this.cluster = new Cluster(this, "cluster", {
      vpc: this.vpc,
      enableFargateCapacityProviders: true,
      containerInsightsV2: ContainerInsights.DISABLED,
    }) as ICluster;
    acknowledge(this, {
      "AwsSolutions-VPC7": "nothing listens in it; what tasks call is in the ledger",
      "AwsSolutions-ECS4":
        "Container Insights cost more than the tasks; the queue's depth and age tell how they do",
    });
  }
}
