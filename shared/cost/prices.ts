/**
 * What AWS asks for, in US dollars, before tax, free tiers and discounts: the one place that knows a price.
 *
 * Of the Price List (`https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/<service>/current/<region>/index.json`) are
 * those whose source is a usage type of it; `seen` is the day on which they were looked up. What says `page` was read on a
 * price page or in somebody else's list, and is to be looked up again before much rests on it.
 */
interface Price {
  readonly usd: number;
  /** What one of it is. */
  readonly per: string;
  /** A usage type of the Price List, or `page`. */
  readonly source: string;
  /** ISO date. */
  readonly seen: string;
}

const LIST = "2026-09-23";
const PAGE = "2026-11-28";

function listed(usd: number, per: string, usageType: string): Price {
  return { usd, per, source: usageType, seen: LIST };
}

function paged(usd: number, per: string): Price {
  return { usd, per, source: "page", seen: PAGE };
}

const TOKYO = {
  /** Each 64 KiB begun; ten messages that are published together count as one. */
  snsPublish: paged(0.5e-6, "publish of 64 KiB"),
  snsToSqs: paged(0, "delivery to SQS"),
  /** Each 64 KiB begun; ten messages that are received or deleted together count as one. */
  sqsRequest: listed(0.4e-6, "request of 64 KiB", "APN1-Requests-Tier1"),
  lambdaRequest: listed(0.2e-6, "invocation", "APN1-Request"),
  lambdaGbSecondArm64: listed(0.000_013_333_4, "GB-second", "APN1-Lambda-GB-Second-ARM"),
  lambdaGbSecondX86: listed(0.000_016_666_7, "GB-second", "APN1-Lambda-GB-Second"),
  fargateCpuHourArm64: listed(0.040_45, "vCPU-hour", "APN1-Fargate-ARM-vCPU-Hours:perCPU"),
  fargateGbHourArm64: listed(0.004_42, "GB-hour", "APN1-Fargate-ARM-GB-Hours"),
  fargateCpuHourX86: paged(0.050_56, "vCPU-hour"),
  fargateGbHourX86: paged(0.005_53, "GB-hour"),
  /** Spot moves; this is its usual share of the other price. */
  fargateSpotShare: paged(0.31, "of the price on demand"),
  publicIpv4Hour: paged(0.005, "address-hour"),
  dynamoWrite: listed(0.715e-6, "write of 1 KB", "APN1-WriteRequestUnits"),
  dynamoRead: listed(0.1425e-6, "read of 4 KB", "APN1-ReadRequestUnits"),
  s3Put: listed(4.7e-6, "put", "APN1-Requests-Tier1"),
  s3Get: listed(0.37e-6, "get", "APN1-Requests-Tier2"),
  s3GbMonth: listed(0.025, "GB-month", "APN1-TimedStorage-ByteHrs"),
  logGb: listed(0.76, "GB written", "APN1-DataProcessing-Bytes"),
  transferOutGb: listed(0.114, "GB sent out", "APN1-DataTransfer-Out-Bytes"),
  /** An alarm that reckons with two metrics counts twice. */
  alarmMetricMonth: listed(0.1, "alarm metric a month", "APN1-CW:AlarmMonitorUsage"),
  dashboardMonth: paged(3, "dashboard a month"),
  schedulerStart: paged(1.25e-6, "start"),
  kmsKeyMonth: listed(1, "key a month", "ap-northeast-1-KMS-Keys"),
  secretMonth: listed(0.4, "secret a month", "APN1-AWSSecretsManager-Secrets"),
  natGatewayHour: listed(0.062, "gateway-hour", "APN1-NatGateway-Hours"),
  vpcEndpointHour: listed(0.014, "endpoint-hour in a zone", "APN1-VpcEndpoint-Hours"),
  wafAclMonth: listed(5, "web ACL a month", "APN1-WebACL"),
  wafRuleMonth: listed(1, "rule a month", "APN1-Rule"),
  databaseGbMonth: paged(0.138, "GB-month of gp3"),
  "databaseHour t4g.micro": paged(0.025, "instance-hour"),
  "databaseHour t4g.small": paged(0.051, "instance-hour"),
  "databaseHour t4g.medium": paged(0.101, "instance-hour"),
} as const satisfies Readonly<Record<string, Price>>;

export type PriceName = keyof typeof TOKYO;
export type Prices = Readonly<Record<PriceName, Price>>;

const VIRGINIA: Prices = {
  ...TOKYO,
  sqsRequest: paged(0.4e-6, "request of 64 KiB"),
  fargateCpuHourArm64: paged(0.032_38, "vCPU-hour"),
  fargateGbHourArm64: paged(0.003_56, "GB-hour"),
  fargateCpuHourX86: paged(0.040_48, "vCPU-hour"),
  fargateGbHourX86: paged(0.004_445, "GB-hour"),
  dynamoWrite: paged(0.625e-6, "write of 1 KB"),
  dynamoRead: paged(0.125e-6, "read of 4 KB"),
  s3Put: paged(5e-6, "put"),
  s3Get: paged(0.4e-6, "get"),
  s3GbMonth: paged(0.023, "GB-month"),
  logGb: paged(0.5, "GB written"),
  transferOutGb: paged(0.09, "GB sent out"),
  natGatewayHour: paged(0.045, "gateway-hour"),
  vpcEndpointHour: paged(0.01, "endpoint-hour in a zone"),
  databaseGbMonth: paged(0.115, "GB-month of gp3"),
  "databaseHour t4g.micro": paged(0.016, "instance-hour"),
  "databaseHour t4g.small": paged(0.032, "instance-hour"),
  "databaseHour t4g.medium": paged(0.065, "instance-hour"),
};

const REGIONS: Readonly<Record<string, Prices>> = {
  "ap-northeast-1": TOKYO,
  "us-east-1": VIRGINIA,
};

/** Where prices are known. */
export const PRICED_REGIONS: readonly string[] = Object.keys(REGIONS);

/** Where the examples' environments stand. */
export const DEFAULT_REGION = "ap-northeast-1";

/** AWS's own month. */
export const HOURS_A_MONTH = 730;

/** Undefined: nothing is known of that region. */
export function pricesOf(region: string): Prices | undefined {
  return REGIONS[region];
}

/** From the oldest to the newest look at any of them. */
export function seenBetween(prices: Prices): { readonly oldest: string; readonly newest: string } {
  const days = Object.values(prices)
    .map(({ seen }) => seen)
    .sort();
  return { oldest: days[0] as string, newest: days.at(-1) as string };
}
