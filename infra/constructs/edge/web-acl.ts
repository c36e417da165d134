import { CfnCondition, CfnParameter, Fn } from "aws-cdk-lib";
import { CfnWebACL } from "aws-cdk-lib/aws-wafv2";
import { Construct } from "constructs";
import {
  EDGE_SCOPE,
  MAINTENANCE_PARAMETER,
  MAINTENANCE_RULE,
  webAclName,
} from "../../edge/names.ts";
import type { EdgeSettings } from "../../environments/environment.ts";
import { MAINTENANCE_BODY, maintenanceAction } from "../../maintenance/action.ts";
import { readMaintenancePage } from "../../maintenance/page.ts";
import { AddressSets, comesFrom } from "./address-sets.ts";

export interface WebAclProps {
  readonly prefix: string;
  readonly settings: EdgeSettings;
}

/** Source: AWS WAF developer guide, "AWS Managed Rules rule groups list". */
const MANAGED_GROUPS = [
  "AWSManagedRulesAmazonIpReputationList",
  "AWSManagedRulesCommonRuleSet",
  "AWSManagedRulesKnownBadInputsRuleSet",
];

/** The window of {@link EdgeSettings.rateLimit}. */
const RATE_WINDOW_SECONDS = 300;

/** AWS WAF refuses this code to no one, and CloudFront has no page of its own for it. */
const TOO_MANY_REQUESTS = 429;

type Rule = Omit<CfnWebACL.RuleProperty, "priority" | "visibilityConfig">;

/**
 * Who comes in. The first rule that decides, decides:
 * developers come in → maintenance stops everyone else → who asks too often is stopped → requests that look like attacks
 * are stopped → end users come in, if they are named; else everyone.
 */
export class WebAcl extends Construct {
  readonly acl: CfnWebACL;
  /** Filled by the function that registers addresses. */
  readonly registered: AddressSets;

  constructor(scope: Construct, id: string, { prefix, settings }: WebAclProps) {
    super(scope, id);
    const { developers, endUsers, rateLimit } = settings;
    this.registered = new AddressSets(this, "registered", {
      prefix,
      whose: "registered",
      description: "addresses that developers have registered by senpu allow-ip",
    });
    const declared = new AddressSets(this, "developers", {
      prefix,
      whose: "developers",
      description: "developers, as the environment declares them",
      ranges: developers,
    });
    const rules: Rule[] = [
      {
        name: "developers",
        statement: comesFrom([declared, this.registered]),
        action: { allow: {} },
      },
      this.#maintenance(),
      limitRate(rateLimit),
      ...MANAGED_GROUPS.map(managedGroup),
    ];
    if (endUsers !== "everyone") {
      const sets = new AddressSets(this, "end-users", {
        prefix,
        whose: "end-users",
        description: "end users, as the environment declares them",
        ranges: endUsers,
      });
      rules.push({ name: "end-users", statement: comesFrom([sets]), action: { allow: {} } });
    }
    this.acl = new CfnWebACL(this, "acl", {
      name: webAclName(prefix),
      scope: EDGE_SCOPE,
      defaultAction: endUsers === "everyone" ? { allow: {} } : { block: {} },
      customResponseBodies: {
        [MAINTENANCE_BODY]: { contentType: "TEXT_HTML", content: readMaintenancePage() },
      },
      rules: rules.map((rule, priority) => ({
        ...rule,
        priority,
        visibilityConfig: watched(rule.name),
      })),
      visibilityConfig: watched(webAclName(prefix)),
    });
  }

  /**
   * The switch is a parameter of the stack: what is deployed without naming it keeps its value, so that no later
   * deployment ends maintenance by accident (L3). The CDK command line keeps previous values unless told otherwise.
   */
  #maintenance(): Rule {
    const parameter = new CfnParameter(this, "parameter", {
      type: "String",
      allowedValues: ["on", "off"],
      default: "off",
      description: "on: end users get the maintenance page, developers stay in",
    });
    parameter.overrideLogicalId(MAINTENANCE_PARAMETER);
    const isOn = new CfnCondition(this, "is-on", {
      expression: Fn.conditionEquals(parameter.valueAsString, "on"),
    });
    return {
      name: MAINTENANCE_RULE,
      // Every request has a path that begins with a slash: this is everyone.
      statement: {
        byteMatchStatement: {
          fieldToMatch: { uriPath: {} },
          positionalConstraint: "STARTS_WITH",
          searchString: "/",
          textTransformations: [{ priority: 0, type: "NONE" }],
        },
      },
      action: Fn.conditionIf(isOn.logicalId, maintenanceAction("on"), maintenanceAction("off")),
    };
  }
}

function limitRate(limit: number): Rule {
  return {
    name: "rate",
    statement: {
      rateBasedStatement: {
        limit,
        evaluationWindowSec: RATE_WINDOW_SECONDS,
        aggregateKeyType: "IP",
      },
    },
    action: {
      block: {
        customResponse: {
          responseCode: TOO_MANY_REQUESTS,
          responseHeaders: [{ name: "Retry-After", value: String(RATE_WINDOW_SECONDS) }],
        },
      },
    },
  };
}

function managedGroup(name: string): Rule {
  return {
    name,
    statement: { managedRuleGroupStatement: { vendorName: "AWS", name } },
    overrideAction: { none: {} },
  };
}

function watched(metricName: string): CfnWebACL.VisibilityConfigProperty {
  return { cloudWatchMetricsEnabled: true, sampledRequestsEnabled: true, metricName };
}
