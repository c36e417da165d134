import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import * as maintenance from "../../../infra/commands/maintenance.ts";
import { maintenanceAction } from "../../../infra/maintenance/action.ts";
import type { Switch } from "../../../infra/maintenance/action.ts";
import { edgeWords } from "../../../infra/maintenance/deploy-edge.ts";
import { runCommand } from "../../support/command-line.ts";
import type { TestedCommand } from "../../support/command-line.ts";
import { startFakeCloudFormation } from "../../support/fake-cloudformation.ts";
import type { FakeCloudFormation } from "../../support/fake-cloudformation.ts";
import { WafError, startFakeWaf } from "../../support/fake-waf.ts";
import type { FakeWaf } from "../../support/fake-waf.ts";

let waf: FakeWaf;
let stack: FakeCloudFormation;

beforeAll(() => {
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "senpu");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "senpu");
});
beforeEach(async () => {
  waf = await startFakeWaf();
  stack = await startFakeCloudFormation("senpu-test-edge");
  waf.addWebAcl(webAcl());
  stack.parameters.set("Maintenance", "off").set("BootstrapVersion", "30");
  vi.stubEnv("AWS_ENDPOINT_URL_WAFV2", waf.url);
  vi.stubEnv("AWS_ENDPOINT_URL_CLOUDFORMATION", stack.url);
});
afterEach(async () => {
  await waf.close();
  await stack.close();
});
afterAll(() => vi.unstubAllEnvs());

const watched = (MetricName: string): object => ({
  SampledRequestsEnabled: true,
  CloudWatchMetricsEnabled: true,
  MetricName,
});

/** As far as it matters here: the rule between two others, and settings that an update must hand on. */
function webAcl(): Record<string, unknown> {
  const Statement = { RateBasedStatement: { Limit: 100, AggregateKeyType: "IP" } };
  const SearchString = Buffer.from("/").toString("base64");
  const everyone = {
    ByteMatchStatement: {
      SearchString,
      FieldToMatch: { UriPath: {} },
      TextTransformations: [{ Priority: 0, Type: "NONE" }],
      PositionalConstraint: "STARTS_WITH",
    },
  };
  const rule = (Name: string, Priority: number, more: object): object => ({
    Name,
    Priority,
    ...more,
    VisibilityConfig: watched(Name),
  });
  return {
    Name: "senpu-test-edge",
    DefaultAction: { Allow: {} },
    Rules: [
      rule("developers", 0, { Statement, Action: { Allow: {} } }),
      rule("maintenance", 1, { Statement: everyone, Action: { Count: {} } }),
      rule("rate", 2, { Statement, Action: { Block: {} } }),
    ],
    VisibilityConfig: watched("senpu-test-edge"),
    CustomResponseBodies: { maintenance: { ContentType: "TEXT_HTML", Content: "<p>" } },
    TokenDomains: ["example.com"],
  };
}

function actionInForce(): unknown {
  const rules = waf.webAcl("senpu-test-edge")["Rules"] as { Name: string; Action: unknown }[];
  return rules.find(({ Name }) => Name === "maintenance")?.Action;
}

/** The command, and what it would have deployed. CloudFormation then does what a deployment would. */
function withDeployment(deploys: [environment: string, position: Switch][]): TestedCommand {
  return {
    ...maintenance,
    run: (context, output) =>
      maintenance.run(context, output, async (...deployment) => {
        deploys.push(deployment);
        stack.parameters.set("Maintenance", deployment[1]);
      }),
  };
}

async function maintain(...words: string[]): Promise<unknown> {
  const all = [...words, "--env", "test", "--json", "--quiet"];
  const { exitCode, output } = await runCommand(withDeployment([]), all);
  expect(exitCode).toBe(0);
  return JSON.parse(output.text);
}

test("L3: --now changes the rule's action and nothing else, and stores the switch where the next deployment keeps it", async () => {
  const { Rules: _rules, ...others } = webAcl();
  expect(await maintain("on", "--now")).toEqual({ env: "test", inForce: "on", stored: "on" });
  expect(actionInForce()).toEqual(maintenanceAction("on"));
  expect(waf.webAcl("senpu-test-edge")).toMatchObject(others);
  expect((waf.webAcl("senpu-test-edge")["Rules"] as object[]).toSpliced(1, 1)).toEqual(
    (webAcl()["Rules"] as object[]).toSpliced(1, 1),
  );
  expect(Object.fromEntries(stack.parameters)).toEqual({
    Maintenance: "on",
    BootstrapVersion: "30",
  });
  expect(await maintain("off", "--now")).toEqual({ env: "test", inForce: "off", stored: "off" });
  expect(waf.webAcl("senpu-test-edge")).toEqual(webAcl());
});

test("L3: a web ACL that somebody changes at the same time is read again, and both changes stay", async () => {
  let updates = 0;
  waf.intercept((action) => {
    if (action === "UpdateWebACL" && ++updates <= 2) {
      throw new WafError("WAFOptimisticLockException", "somebody changed it since");
    }
  });
  await maintain("on", "--now");
  expect(waf.log.filter((line) => line.startsWith("UpdateWebACL"))).toEqual([
    "UpdateWebACL WAFOptimisticLockException",
    "UpdateWebACL WAFOptimisticLockException",
    "UpdateWebACL",
  ]);
  expect(actionInForce()).toEqual(maintenanceAction("on"));
});

test("L3: what could not be stored is in force all the same, and says that a deployment may undo it", async () => {
  stack.status = "UPDATE_IN_PROGRESS";
  await expect(maintain("on", "--now")).rejects.toMatchObject({
    exitCode: 3,
    message: expect.stringMatching(
      /^maintenance is on, but that is not stored, and a later deployment may undo it.*\n.*UPDATE_IN_PROGRESS/,
    ) as string,
  });
  expect(actionInForce()).toEqual(maintenanceAction("on"));
  const { output } = await runCommand(maintenance, ["status", "--env", "test"]);
  expect(output.text).toBe(
    "maintenance is on in test: end users get the page, developers stay in\n" +
      "The stack has it off, and a deployment may bring that back. To keep it on: npx senpu maintenance on --env test --now\n",
  );
  stack.status = "UPDATE_COMPLETE";
  expect(await maintain("on", "--now")).toMatchObject({ inForce: "on", stored: "on" });
});

test("without --now one deployment does it, of the environment that was named", async () => {
  const deploys: [string, Switch][] = [];
  const { exitCode } = await runCommand(withDeployment(deploys), ["on", "--env", "test"]);
  expect([exitCode, deploys]).toEqual([0, [["test", "on"]]]);
});

test("a deployment that would change nothing is not made; a web ACL that differs is put right", async () => {
  const deploys: [string, Switch][] = [];
  stack.parameters.set("Maintenance", "on");
  await runCommand(withDeployment(deploys), ["on", "--env", "test"]);
  expect([deploys, actionInForce()]).toEqual([[], maintenanceAction("on")]);
});

test("a deployment is of the edge stack alone, with the switch as its parameter", () => {
  const words = edgeWords("test", "on").join(" ");
  expect(words).toMatch(/^deploy edge --exclusively --app dist\/cdk\.out\/test /);
  expect(words).toMatch(/ --parameters Maintenance=on$/);
});

test.each([
  ["wafv2:ListWebACLs", "reading web ACL senpu-test-edge"],
  ["wafv2:GetWebACL", "reading web ACL senpu-test-edge"],
  ["wafv2:UpdateWebACL", "switching maintenance on in web ACL senpu-test-edge"],
])("whoever lacks %s is told so, and nothing has changed", async (needed, doing) => {
  waf.intercept((action) => {
    if (!needed.endsWith(`:${action}`)) return;
    const message = `User: arn:aws:iam::000000000000:user/dev is not authorized to perform: ${needed} on resource: arn:a`;
    throw new WafError("AccessDeniedException", message);
  });
  await expect(maintain("on", "--now")).rejects.toThrow(
    `${doing}: not allowed; these credentials need the IAM action ${needed} on arn:a`,
  );
  expect([actionInForce(), stack.parameters.get("Maintenance")]).toEqual([{ Count: {} }, "off"]);
});

test("where nothing is deployed, or another version, it says so", async () => {
  await expect(runCommand(maintenance, ["status", "--env", "production"])).rejects.toThrow(
    "there is no stack senpu-production-edge: deploy it first",
  );
  await expect(runCommand(maintenance, ["of", "--env", "test"])).rejects.toThrow(
    "maintenance of: there are on, off, status",
  );
  waf.webAcl("senpu-test-edge")["Rules"] = [];
  await expect(maintain("status")).rejects.toThrow("has no rule maintenance");
});

test("an endpoint that is out of reach is told", async () => {
  vi.stubEnv("AWS_ENDPOINT_URL_CLOUDFORMATION", "http://127.0.0.1:1");
  vi.stubEnv("AWS_MAX_ATTEMPTS", "1");
  await expect(maintain("status")).rejects.toThrow(
    /^reading stack senpu-test-edge: connect ECONNREFUSED/,
  );
});
