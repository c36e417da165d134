import { ArnFormat, RemovalPolicy, Stack } from "aws-cdk-lib";
import { Metric, Stats } from "aws-cdk-lib/aws-cloudwatch";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { IGrantable } from "aws-cdk-lib/aws-iam";
import { CfnDBInstance, CfnDBParameterGroup, CfnDBSubnetGroup } from "aws-cdk-lib/aws-rds";
import { Duration } from "aws-cdk-lib";
import { Construct } from "constructs";
import type { LedgerSettings } from "../../environments/environment.ts";
import { acknowledge } from "../acknowledge.ts";
import type { Alarms } from "../alarms.ts";
import type { LedgerNetwork } from "./network.ts";

export interface LedgerDatabaseProps {
  readonly settings: LedgerSettings;
  readonly network: LedgerNetwork;
  /** Does it stay when the stack is deleted? Then it is protected from deletion, too. */
  readonly keepsData: boolean;
}

/** Signs in to make the other roles (`consumer/entries/lambda-ledger-roles.ts`), and for nothing else. */
export const ADMINISTRATOR = "senpu_admin";
const DATABASE = "senpu";
/** Of ours there are a few at once; the smallest instance takes about 80. */
const MANY_CONNECTIONS = 40;
const LITTLE_STORAGE_BYTES = 2_000_000_000;
const MUCH_CPU_PERCENT = 90;

/**
 * The ledger's PostgreSQL on RDS. There is no password and no secret: everybody signs in by IAM, the administrator too,
 * and by TLS only.
 *
 * The engine's version is exactly what the environment says, and nothing but a change there changes it (L6): AWS applies no
 * minor upgrade by itself, which would leave a template that cannot be deployed any more, and refuses a major one.
 */
export class LedgerDatabase extends Construct {
  readonly instance: CfnDBInstance;

  constructor(scope: Construct, id: string, props: LedgerDatabaseProps) {
    super(scope, id);
    const { settings, network, keepsData } = props;
    const major = settings.engineVersion.split(".")[0];
    const subnets = new CfnDBSubnetGroup(this, "subnets", {
      dbSubnetGroupDescription: "the ledger's database",
      subnetIds: network.databaseSubnets.subnetIds,
    });
    const parameters = new CfnDBParameterGroup(this, "parameters", {
      family: `postgres${major}`,
      description: "the ledger's database",
      parameters: { "rds.force_ssl": "1", log_connections: "1" },
    });
    this.instance = new CfnDBInstance(this, "instance", {
      engine: "postgres",
      engineVersion: settings.engineVersion,
      autoMinorVersionUpgrade: false,
      allowMajorVersionUpgrade: false,
      dbInstanceClass: `db.${settings.instanceType}`,
      dbName: DATABASE,
      masterUsername: ADMINISTRATOR,
      masterUserAuthenticationType: "iam-db-auth",
      enableIamDatabaseAuthentication: true,
      storageType: "gp3",
      storageEncrypted: true,
      allocatedStorage: String(settings.storageGb),
      maxAllocatedStorage: settings.maxStorageGb,
      multiAz: settings.standby,
      publiclyAccessible: false,
      dbSubnetGroupName: subnets.ref,
      vpcSecurityGroups: [network.databaseGroup.securityGroupId],
      dbParameterGroupName: parameters.ref,
      backupRetentionPeriod: settings.backupDays,
      copyTagsToSnapshot: true,
      deleteAutomatedBackups: !keepsData,
      deletionProtection: keepsData,
      // A dozen statements, all by primary key: alarms tell what it would, without a price.
      enablePerformanceInsights: false,
    });
    this.instance.applyRemovalPolicy(keepsData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY);
    acknowledge(this, {
      "AwsSolutions-RDS11":
        "another port would hide nothing: only the functions' security group may reach it",
      ...(keepsData ? {} : { "AwsSolutions-RDS10": "this environment's data goes with its stack" }),
      ...(settings.standby
        ? {}
        : { "AwsSolutions-RDS3": "while it is away, records wait in their queue for 4 days" }),
    });
  }

  /** For a role, signed in to by IAM. */
  urlOf(role: string): string {
    const { attrEndpointAddress: host, attrEndpointPort: port } = this.instance;
    return `postgres://${role}@${host}:${port}/${DATABASE}`;
  }

  maySignIn(who: IGrantable, role: string): void {
    who.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({
        actions: ["rds-db:connect"],
        resources: [
          Stack.of(this).formatArn({
            service: "rds-db",
            resource: "dbuser",
            resourceName: `${this.instance.attrDbiResourceId}/${role}`,
            arnFormat: ArnFormat.COLON_RESOURCE_NAME,
          }),
        ],
      }),
    );
  }

  declareAlarms(alarms: Alarms): void {
    const metric = (metricName: string): Metric =>
      new Metric({
        namespace: "AWS/RDS",
        metricName,
        dimensionsMap: { DBInstanceIdentifier: this.instance.ref },
        period: Duration.minutes(5),
        statistic: Stats.AVERAGE,
      });
    alarms.onLevel(
      metric("FreeStorageSpace"),
      { below: LITTLE_STORAGE_BYTES },
      "database-storage",
      "the ledger's database is nearly full: raise maxStorageGb",
    );
    alarms.onLevel(
      metric("CPUUtilization"),
      { above: MUCH_CPU_PERCENT },
      "database-cpu",
      "the ledger's database is busy: a larger instanceType records faster",
    );
    alarms.onLevel(
      metric("DatabaseConnections"),
      { above: MANY_CONNECTIONS },
      "database-connections",
      "the ledger's database has many connections: who asks it all the time?",
    );
  }
}
