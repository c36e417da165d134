import { AnyPrincipal, PolicyStatement } from "aws-cdk-lib/aws-iam";
import {
  CfnEgressOnlyInternetGateway,
  GatewayVpcEndpointAwsService,
  IpAddresses,
  IpProtocol,
  Peer,
  Port,
  RouterType,
  SecurityGroup,
  SubnetType,
  Vpc,
} from "aws-cdk-lib/aws-ec2";
import type { IVpc, SelectedSubnets, Subnet } from "aws-cdk-lib/aws-ec2";
import type { TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { Construct } from "constructs";
import { acknowledge } from "../acknowledge.ts";
import { COORDINATE } from "../permissions.ts";

const FUNCTIONS = "functions";
const DATABASE = "database";
const POSTGRES_PORT = 5432;

/**
 * Where the database stands and the functions that reach it. Nothing comes in from outside, and there is no NAT: SNS and
 * SQS are reached by IPv6, through a gateway that lets out only and costs nothing; DynamoDB by its gateway endpoint, which
 * costs nothing either and lets through to the one table.
 *
 * The functions' security group lives here, with the network: what Lambda puts into it takes 20 minutes to go (L2).
 */
export class LedgerNetwork extends Construct {
  readonly vpc: IVpc;
  readonly functionSubnets: SelectedSubnets;
  readonly databaseSubnets: SelectedSubnets;
  /** Nothing in; out to the database, and to AWS's endpoints. */
  readonly functionsGroup: SecurityGroup;
  /** The functions in, at PostgreSQL's port; nothing out. */
  readonly databaseGroup: SecurityGroup;

  constructor(scope: Construct, id: string, { table }: { readonly table: TableV2 }) {
    super(scope, id);
    const vpc = new Vpc(this, "vpc", {
      ipAddresses: IpAddresses.cidr("10.43.0.0/20"),
      ipProtocol: IpProtocol.DUAL_STACK,
      maxAzs: 2,
      natGateways: 0,
      restrictDefaultSecurityGroup: false,
      subnetConfiguration: [FUNCTIONS, DATABASE].map((name) => ({
        name,
        subnetType: SubnetType.PRIVATE_ISOLATED,
        cidrMask: 24,
      })),
    });
    this.vpc = vpc as IVpc;
    this.functionSubnets = vpc.selectSubnets({ subnetGroupName: FUNCTIONS });
    this.databaseSubnets = vpc.selectSubnets({ subnetGroupName: DATABASE });
    this.#letOut(vpc);
    this.#reachTable(vpc, table);
    this.functionsGroup = new SecurityGroup(this, "functions", {
      vpc: this.vpc,
      description: "Functions of the ledger: nothing reaches them",
      allowAllOutbound: false,
    });
    this.databaseGroup = new SecurityGroup(this, "database", {
      vpc: this.vpc,
      description: "Database of the ledger: its functions reach it, it reaches nothing",
      allowAllOutbound: false,
    });
    this.#declareRules();
    acknowledge(this, {
      "AwsSolutions-VPC7":
        "only the functions' own group may reach the database, which logs who signs in",
    });
  }

  #letOut(vpc: Vpc): void {
    const gateway = new CfnEgressOnlyInternetGateway(this, "way-out", { vpcId: vpc.vpcId });
    for (const subnet of this.functionSubnets.subnets) {
      (subnet as Subnet).addRoute("way-out", {
        routerType: RouterType.EGRESS_ONLY_INTERNET_GATEWAY,
        routerId: gateway.attrId,
        destinationIpv6CidrBlock: "::/0",
      });
    }
  }

  #reachTable(vpc: Vpc, table: TableV2): void {
    const endpoint = vpc.addGatewayEndpoint("table", {
      service: GatewayVpcEndpointAwsService.DYNAMODB,
      subnets: [this.functionSubnets],
    });
    endpoint.addToPolicy(
      new PolicyStatement({
        principals: [new AnyPrincipal()],
        actions: COORDINATE,
        resources: [table.tableArn],
      }),
    );
  }

  /** Every one of them stands here, so that nobody has to add any by hand (L7). */
  #declareRules(): void {
    const { functionsGroup, databaseGroup } = this;
    const postgres = Port.tcp(POSTGRES_PORT);
    databaseGroup.addIngressRule(functionsGroup, postgres, "functions of the ledger");
    functionsGroup.addEgressRule(databaseGroup, postgres, "database of the ledger");
    functionsGroup.addEgressRule(Peer.anyIpv6(), Port.HTTPS, "SNS, SQS and webhooks");
    functionsGroup.addEgressRule(
      Peer.anyIpv4(),
      Port.HTTPS,
      "DynamoDB: there is no other way out by IPv4",
    );
  }
}
