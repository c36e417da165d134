import { Bill } from "../../shared/cost/bill.ts";
import type { CostItem } from "../../shared/cost/bill.ts";
import { HOURS_A_MONTH, pricesOf } from "../../shared/cost/prices.ts";
import type { PriceName, Prices } from "../../shared/cost/prices.ts";
import type { Resource, Template } from "../checks/template.ts";
import { FREE_TYPES } from "./free-types.ts";

/**
 * What a deployment costs in a month in which nothing runs, from the templates that make it.
 *
 * In: a synthesised template. Out: what of it is paid for by the hour or the month, by item. A type of resource of which
 * nothing is known is an error: so nothing that costs while it idles comes in unseen.
 */

/** An event source has five pollers while nothing comes, each with a long poll of 20 s. Source: Lambda developer guide. */
const POLLS_A_MONTH = (5 * HOURS_A_MONTH * 3_600) / 20;
const DATABASE_ZONES_WITH_STANDBY = 2;

type Properties = Readonly<Record<string, unknown>>;
type Charge = (bill: Bill, properties: Properties, id: string) => void;

const CHARGES: Readonly<Record<string, Charge>> = {
  "AWS::CloudWatch::Alarm": (bill, { Metrics }) => {
    // An expression is not a metric of its own, what it reckons with is.
    const metrics = (Metrics as { MetricStat?: unknown }[] | undefined) ?? [{ MetricStat: {} }];
    const count = metrics.filter(({ MetricStat }) => MetricStat !== undefined).length;
    bill.add("CloudWatch", "alarms", "alarmMetricMonth", count);
  },
  "AWS::CloudWatch::Dashboard": (bill) => bill.add("CloudWatch", "dashboard", "dashboardMonth", 1),
  "AWS::Lambda::EventSourceMapping": (bill) =>
    bill.add("SQS", "empty queues polled for functions", "sqsRequest", POLLS_A_MONTH),
  "AWS::ECS::Service": (_bill, { DesiredCount }, id) => {
    // Tasks that never stop; what one of them costs is in its definition, and no example has any.
    if (DesiredCount !== 0) throw new Error(`${id}: tasks that run while idle have no price yet`);
  },
  "AWS::RDS::DBInstance": (bill, properties) => {
    const { DBInstanceClass, AllocatedStorage, MultiAZ } = properties;
    const zones = MultiAZ === true ? DATABASE_ZONES_WITH_STANDBY : 1;
    const type = String(DBInstanceClass).replace(/^db\./, "");
    const what = zones === 1 ? `${type} database` : `${type} database with its standby`;
    bill.add("RDS", what, `databaseHour ${type}` as PriceName, zones * HOURS_A_MONTH);
    bill.add("RDS", "storage", "databaseGbMonth", zones * Number(AllocatedStorage));
  },
  "AWS::WAFv2::WebACL": (bill, { Rules }) => {
    bill.add("WAF", "web ACL", "wafAclMonth", 1);
    bill.add("WAF", "its rules", "wafRuleMonth", (Rules as unknown[]).length);
  },
  "AWS::KMS::Key": (bill) => bill.add("KMS", "keys", "kmsKeyMonth", 1),
  "AWS::SecretsManager::Secret": (bill) => bill.add("Secrets Manager", "secrets", "secretMonth", 1),
  "AWS::EC2::NatGateway": (bill) =>
    bill.add("VPC", "NAT gateways", "natGatewayHour", HOURS_A_MONTH),
  "AWS::EC2::EIP": (bill) => bill.add("VPC", "addresses", "publicIpv4Hour", HOURS_A_MONTH),
  "AWS::EC2::VPCEndpoint": (bill, { VpcEndpointType, SubnetIds }) => {
    if (VpcEndpointType !== "Interface") return;
    const zones = (SubnetIds as unknown[] | undefined)?.length ?? 1;
    bill.add("VPC", "interface endpoints", "vpcEndpointHour", zones * HOURS_A_MONTH);
  },
};

/** Throws an Error for a type of which nothing is known, or a database whose price is not known. */
export function costIdle(stack: string, template: Template, prices: Prices): CostItem[] {
  const bill = new Bill(prices);
  for (const [id, resource] of Object.entries(template.Resources ?? {})) {
    charge(bill, `${stack} ${id}`, resource);
  }
  return sumUp(bill.items);
}

/** Throws an Error for a region without prices. */
export function idlePrices(region: string): Prices {
  const prices = pricesOf(region);
  if (prices === undefined) throw new Error(`shared/cost/prices.ts has no prices of ${region}`);
  return prices;
}

function charge(bill: Bill, id: string, { Type, Properties = {} }: Resource): void {
  const priced = CHARGES[Type];
  if (priced !== undefined) priced(bill, Properties, id);
  else if (!FREE_TYPES.has(Type)) {
    throw new Error(
      `${id}: what ${Type} costs while nothing runs is not known; add it to infra/cost/idle.ts, or to free-types.ts`,
    );
  }
}

/** One item for all that is of a kind. */
function sumUp(items: readonly CostItem[]): CostItem[] {
  const sums = new Map<string, CostItem>();
  for (const item of items) {
    const key = `${item.service} ${item.what}`;
    const { quantity = 0, usd = 0 } = sums.get(key) ?? {};
    sums.set(key, { ...item, quantity: quantity + item.quantity, usd: usd + item.usd });
  }
  return [...sums.values()];
}
