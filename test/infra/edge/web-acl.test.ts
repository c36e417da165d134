import { App, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkWaf } from "../../../infra/checks/waf.ts";
import { WebAcl } from "../../../infra/constructs/edge/web-acl.ts";
import type { EdgeSettings } from "../../../infra/environments/environment.ts";
import { ENVIRONMENTS } from "../../../infra/environments/index.ts";
import { maintenanceAction } from "../../../infra/maintenance/action.ts";

const RANGES = { ipv4: ["198.51.100.0/24"], ipv6: ["2001:db8:1::/48"] };

interface Rule {
  readonly Name: string;
  readonly Priority: number;
  readonly Statement: object;
  readonly Action?: object;
}

interface Acl {
  readonly template: Template;
  readonly properties: Record<string, unknown>;
  readonly rules: readonly Rule[];
  rule(name: string): Rule;
  /** The names of the sets that a rule asks, by the references in it. */
  setsOf(name: string): string[];
}

function declare(more: Partial<EdgeSettings> = {}): Acl {
  const app = new App({ outdir: join(folder, JSON.stringify(more).replace(/\W+/g, "-")) });
  const stack = new Stack(app, "edge");
  const { acl } = new WebAcl(stack, "web-acl", {
    prefix: "senpu-test",
    settings: { ...ENVIRONMENTS[0]!.edge, ...more },
  });
  const [synthesised] = app.synth().stacks;
  const template = Template.fromJSON(synthesised?.template as object);
  const found = template.findResources("AWS::WAFv2::WebACL")[stack.getLogicalId(acl)];
  const properties = (found as { Properties: Record<string, unknown> }).Properties;
  const rules = properties["Rules"] as Rule[];
  const rule = (name: string): Rule => rules.find(({ Name }) => Name === name)!;
  const sets = template.findResources("AWS::WAFv2::IPSet");
  const setsOf = (name: string): string[] =>
    Object.entries(sets)
      .filter(([id]) => JSON.stringify(rule(name).Statement).includes(`"${id}"`))
      .map(([, set]) => (set as { Properties: { Name: string } }).Properties.Name);
  return { template, properties, rules, rule, setsOf };
}

const folder = mkdtempSync(join(tmpdir(), "senpu-acl-"));
/** As the environment has it, and with end users named. */
let plain: Acl;
let named: Acl;
beforeAll(() => {
  plain = declare();
  named = declare({ endUsers: RANGES, developers: RANGES });
  // CDK's validation takes its time to load.
}, 150_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function addressesOf({ template }: Acl): Record<string, unknown> {
  const sets = Object.values(template.findResources("AWS::WAFv2::IPSet"));
  return Object.fromEntries(
    sets.map((set) => {
      const { Name, Addresses } = (set as { Properties: Record<string, unknown> }).Properties;
      return [Name, Addresses];
    }),
  );
}

test("L3: developers come in before maintenance is asked, and everyone else after it", () => {
  const { rules, rule } = plain;
  expect(rules.toSorted((a, b) => a.Priority - b.Priority).map(({ Name }) => Name)).toEqual([
    "developers",
    "maintenance",
    "rate",
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
  ]);
  expect(rule("developers").Action).toEqual({ Allow: {} });
});

test("L3: the switch is a parameter, which stays over deployments that do not name it, and is off at first", () => {
  const { template, rule } = plain;
  template.hasParameter("Maintenance", { Default: "off", AllowedValues: ["on", "off"] });
  const [condition] = Object.keys(
    template.findConditions("*", { "Fn::Equals": [{ Ref: "Maintenance" }, "on"] }),
  );
  expect(rule("maintenance").Action).toEqual({
    "Fn::If": [condition, maintenanceAction("on"), maintenanceAction("off")],
  });
});

test("L3: end users get 503 with Retry-After and the page from the repository", () => {
  const { properties } = plain;
  expect(maintenanceAction("on").Block?.CustomResponse).toMatchObject({
    ResponseCode: 503,
    ResponseHeaders: expect.arrayContaining([{ Name: "Retry-After", Value: "600" }]) as unknown,
  });
  expect(properties["CustomResponseBodies"]).toEqual({
    maintenance: {
      ContentType: "TEXT_HTML",
      Content: expect.stringContaining("メンテナンス") as unknown,
    },
  });
});

test("L4: what is registered has sets of its own, of both families, which the template leaves empty", () => {
  const acl = plain;
  expect(addressesOf(acl)).toMatchObject({
    "senpu-test-registered-ipv4": [],
    "senpu-test-registered-ipv6": [],
  });
  expect(acl.setsOf("developers").toSorted()).toEqual([
    "senpu-test-developers-ipv4",
    "senpu-test-developers-ipv6",
    "senpu-test-registered-ipv4",
    "senpu-test-registered-ipv6",
  ]);
});

test("L5: whoever is let in by IPv4 is let in by IPv6: every set has its counterpart", () => {
  const acl = named;
  const names = Object.keys(addressesOf(acl)).toSorted();
  expect(names.filter((name) => name.endsWith("ipv6"))).toEqual(
    names.filter((name) => name.endsWith("ipv4")).map((name) => name.replace("ipv4", "ipv6")),
  );
  for (const rule of ["developers", "end-users"]) {
    const sets = acl.setsOf(rule);
    expect(sets.filter((name) => name.endsWith("ipv6"))).toHaveLength(sets.length / 2);
  }
});

test("everyone comes in where end users are everyone, else those of the ranges and nobody more", () => {
  expect(plain.properties["DefaultAction"]).toEqual({ Allow: {} });
  expect(named.properties["DefaultAction"]).toEqual({ Block: {} });
  expect(named.rule("end-users")).toMatchObject({ Priority: 6, Action: { Allow: {} } });
  expect(addressesOf(named)).toMatchObject({
    "senpu-test-end-users-ipv4": RANGES.ipv4,
    "senpu-test-end-users-ipv6": RANGES.ipv6,
  });
});

test("who asks more often than the environment allows is told so", () => {
  expect(plain.rule("rate")).toMatchObject({
    Statement: {
      RateBasedStatement: { Limit: ENVIRONMENTS[0]!.edge.rateLimit, EvaluationWindowSec: 300 },
    },
    Action: { Block: { CustomResponse: { ResponseCode: 429 } } },
  });
});

test("every rule is watched, and nothing is found that CDK's validation misses", () => {
  const { rules, template } = named;
  for (const rule of rules) {
    expect(rule).toMatchObject({
      VisibilityConfig: { CloudWatchMetricsEnabled: true, SampledRequestsEnabled: true },
    });
  }
  expect(checkWaf(template.toJSON())).toEqual([]);
  const mixed = declare({ developers: { ipv4: RANGES.ipv6, ipv6: [] } });
  expect(checkWaf(mixed.template.toJSON())).toHaveLength(1);
});
