import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Match, Template } from "aws-cdk-lib/assertions";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FUNCTION_NAMES } from "../../../infra/bundle/functions.ts";
import { checkTemplate } from "../../../infra/checks/all.ts";
import { inspect } from "../../../infra/checks/inspect.ts";
import { resourcesOf } from "../../../infra/checks/template.ts";
import type { Template as ChecksTemplate } from "../../../infra/checks/template.ts";
import { costIdle, idlePrices } from "../../../infra/cost/idle.ts";
import { idleCost, renderIdle } from "../../../infra/cost/render-idle.ts";
import { defineEnvironment } from "../../../infra/environments/environment.ts";
import { ENVIRONMENTS } from "../../../infra/environments/index.ts";
import { prepareAssets } from "../../../infra/stacks/assets.ts";
import { makeApp } from "../../../infra/stacks/make-app.ts";
import { LEDGER_OUTPUTS, PIPELINE_OUTPUTS } from "../../../shared/deployment/outputs.ts";
import { synthesise } from "../../../infra/stacks/synthesise.ts";
import type { Synthesised } from "../../../infra/stacks/synthesise.ts";

/** Every environment, as it would be deployed: offline, and without credentials. */
let environments: readonly Synthesised[];
const folder = mkdtempSync(join(tmpdir(), "senpu-synth-"));

beforeAll(async () => {
  // CDK's validation and cdk-nag throw for what they find.
  environments = await synthesise(folder);
}, 150_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("L8: every environment is synthesised, and nothing is found in any", () => {
  expect(environments.map(({ environment }) => environment.name)).toEqual(["test", "production"]);
  expect(inspect(environments)).toEqual([]);
});

test("stacks tell all that commands find a deployment by", () => {
  for (const { templates } of environments) {
    const told = (stack: string): string[] => {
      const { Outputs = {} } = templates.get(stack) as { readonly Outputs?: object };
      return Object.keys(Outputs);
    };
    expect(told("pipeline")).toEqual(
      expect.arrayContaining([...Object.values(PIPELINE_OUTPUTS), "Lanes1"]),
    );
    expect(told("ledger")).toEqual(expect.arrayContaining(Object.values(LEDGER_OUTPUTS)));
  }
});

test("L11: nothing of Kubernetes is in a template", () => {
  for (const { templates } of environments) {
    for (const { Resources = {} } of templates.values()) {
      const types = Object.values(Resources).map(({ Type }) => Type);
      expect(types.filter((type) => /EKS|Helm|Kubernetes/i.test(type))).toEqual([]);
    }
  }
});

test("every function that is bundled is deployed, with a bundle of its own (L12)", () => {
  const counts = environments.map(({ templates }) => bundlesIn(templates));
  expect(counts).toEqual(environments.map(() => FUNCTION_NAMES.length));
});

test("functions share a bundle only where they are the same program (L13)", () => {
  // The ledger's function and its query function, which differ in what they may do; and a worker for each Lambda lane.
  const functions = [...(environments[0]?.templates.values() ?? [])].flatMap(functionsOf);
  expect(functions).toHaveLength(FUNCTION_NAMES.length + 2);
});

/** Bundles of ours in all stacks: each has a name of its own in the assets' bucket. */
function bundlesIn(templates: Synthesised["templates"]): number {
  return new Set([...templates.values()].flatMap(functionsOf)).size;
}

function functionsOf(template: ChecksTemplate): string[] {
  return resourcesOf(template, "AWS::Lambda::Function").flatMap(([, { Properties = {} }]) => {
    const { Environment, Code } = Properties as {
      Environment?: { Variables?: { NODE_OPTIONS?: string } };
      Code?: { S3Key?: string };
    };
    // CDK brings functions of its own, which have none of our variables.
    return Environment?.Variables?.NODE_OPTIONS === undefined ? [] : [String(Code?.S3Key)];
  });
}

test("what an idle deployment costs is what the runbook says (L14)", () => {
  const runbook = readFileSync(new URL("../../../infra/runbook.md", import.meta.url), "utf8");
  expect(runbook, "npm run cost prints it anew").toContain(
    renderIdle(environments.map((each) => idleCost(each))),
  );
});

test("a resource of which nobody knows what it costs is found", () => {
  const template = { Resources: { search: { Type: "AWS::OpenSearchService::Domain" } } };
  expect(() => costIdle("site", template, idlePrices("ap-northeast-1"))).toThrow(
    /site search: what AWS::OpenSearchService::Domain costs while nothing runs is not known/,
  );
});

describe("the pipeline", () => {
  const pipeline = (): Template =>
    Template.fromJSON(structuredClone(environments[0]?.templates.get("pipeline")) as object);

  test("hands each lane its own messages, raw, and what matches none to a queue of its own", () => {
    pipeline().hasResourceProperties("AWS::SNS::Subscription", {
      FilterPolicy: { lane: ["crm"] },
      RawMessageDelivery: true,
      RedrivePolicy: Match.anyValue(),
    });
    pipeline().hasResourceProperties("AWS::SNS::Subscription", {
      FilterPolicy: { lane: [{ "anything-but": ["crm", "default", "reports"] }] },
    });
  });

  test("makes a lane's calls by a function with partial batch responses, or by tasks from none up", () => {
    pipeline().hasResourceProperties("AWS::Lambda::EventSourceMapping", {
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      ScalingConfig: { MaximumConcurrency: 2 },
    });
    pipeline().hasResourceProperties("AWS::ApplicationAutoScaling::ScalableTarget", {
      MinCapacity: 0,
      MaxCapacity: 4,
    });
  });

  test("has its functions in no VPC, so that they are gone in seconds (L2)", () => {
    for (const { Properties } of Object.values(pipeline().findResources("AWS::Lambda::Function"))) {
      expect((Properties as Record<string, unknown>)["VpcConfig"]).toBeUndefined();
    }
  });

  test("refuses whoever comes without TLS, at every queue, topic and bucket", () => {
    const denies = {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: "Deny",
            Condition: { Bool: { "aws:SecureTransport": "false" } },
          }),
        ]),
      },
    };
    for (const kind of ["SQS::Queue", "SNS::Topic", "S3::Bucket"]) {
      const guarded = Object.keys(
        pipeline().findResources(`AWS::${kind}Policy`, { Properties: denies }),
      );
      expect(guarded).toHaveLength(Object.keys(pipeline().findResources(`AWS::${kind}`)).length);
    }
  });

  test("lets a run wait for the one before, and its event come again to the producer", () => {
    pipeline().hasResourceProperties("AWS::SQS::Queue", {
      QueueName: "senpu-test-waiting",
      VisibilityTimeout: 5400,
    });
    pipeline().hasResourceProperties("AWS::Lambda::EventSourceMapping", { BatchSize: 1 });
  });

  test("fires its schedules in their time zone, under the time that makes the run's id", () => {
    pipeline().hasResourceProperties("AWS::Scheduler::Schedule", {
      ScheduleExpression: "cron(30 1 * * ? *)",
      ScheduleExpressionTimezone: "Asia/Tokyo",
    });
    const schedules = Object.values(pipeline().findResources("AWS::Scheduler::Schedule"));
    expect(JSON.stringify(schedules)).toContain("<aws.scheduler.scheduled-time>");
  });
});

describe("the edge", () => {
  const edge = (): Template =>
    Template.fromJSON(structuredClone(environments[0]?.templates.get("edge")) as object);

  test("registers addresses for signed requests only, with a way in that is the URL and nothing else (L4)", () => {
    edge().resourceCountIs("AWS::Lambda::Url", 1);
    edge().hasResourceProperties("AWS::Lambda::Url", { AuthType: "AWS_IAM" });
    edge().hasResourceProperties("AWS::IAM::ManagedPolicy", {
      ManagedPolicyName: "senpu-test-allow-ip",
      PolicyDocument: {
        Statement: [
          Match.objectLike({ Action: "lambda:InvokeFunctionUrl" }),
          Match.objectLike({
            Action: "lambda:InvokeFunction",
            Condition: { Bool: { "lambda:InvokedViaFunctionUrl": "true" } },
          }),
          Match.objectLike({ Action: "cloudformation:DescribeStacks" }),
        ],
      },
    });
  });

  test("lets the function change the registered sets, and no other (L4)", () => {
    const sets = edge().findResources("AWS::WAFv2::IPSet", { Properties: { Addresses: [] } });
    expect(Object.keys(sets)).toHaveLength(2);
    edge().hasResourceProperties("AWS::IAM::Policy", {
      PolicyDocument: {
        Statement: Match.arrayWith([
          {
            Effect: "Allow",
            Action: ["wafv2:GetIPSet", "wafv2:UpdateIPSet"],
            Resource: Object.keys(sets).map((id) => ({ "Fn::GetAtt": [id, "Arn"] })),
          },
        ]),
      },
    });
  });

  test("takes out what has had its time, every hour (L4)", () => {
    edge().hasResourceProperties("AWS::Scheduler::Schedule", {
      ScheduleExpression: "rate(1 hour)",
      Target: Match.objectLike({ Input: '{"task":"expire"}' }),
    });
    edge().hasResourceProperties("AWS::DynamoDB::GlobalTable", {
      TimeToLiveSpecification: { AttributeName: "until", Enabled: true },
    });
  });
});

describe("the ledger", () => {
  const ledger = (index = 0): Template =>
    Template.fromJSON(structuredClone(environments[index]?.templates.get("ledger")) as object);
  const propertiesOf = (type: string, index = 0): Record<string, unknown>[] =>
    Object.values(ledger(index).findResources(type)).map(
      ({ Properties }) => Properties as Record<string, unknown>,
    );

  test("has all that is in a network in a stack of its own, their security group too (L2)", () => {
    const functions = propertiesOf("AWS::Lambda::Function").filter(
      ({ VpcConfig }) => VpcConfig !== undefined,
    );
    expect(functions).toHaveLength(5);
    for (const { templates } of environments) {
      for (const [stack, template] of templates) {
        if (stack !== "ledger") expect(JSON.stringify(template)).not.toContain('"VpcConfig"');
      }
    }
  });

  test("pins its engine to what the environment says, and lets nobody upgrade it (L6)", () => {
    for (const [index, { environment }] of environments.entries()) {
      ledger(index).hasResourceProperties("AWS::RDS::DBInstance", {
        EngineVersion: environment.ledger?.engineVersion,
        AutoMinorVersionUpgrade: false,
        AllowMajorVersionUpgrade: false,
      });
    }
  });

  test("keeps its data where the environment says so, and protects it from deletion", () => {
    ledger(1).hasResource("AWS::RDS::DBInstance", {
      DeletionPolicy: "Retain",
      UpdateReplacePolicy: "Retain",
      Properties: { DeletionProtection: true, DeleteAutomatedBackups: false, MultiAZ: true },
    });
  });

  test("is reached by its functions alone, each way declared at both ends (L7)", () => {
    const postgres = { IpProtocol: "tcp", FromPort: 5432, ToPort: 5432 };
    expect(propertiesOf("AWS::EC2::SecurityGroupIngress")).toEqual([
      expect.objectContaining(postgres) as unknown,
    ]);
    expect(propertiesOf("AWS::EC2::SecurityGroupEgress")).toEqual([
      expect.objectContaining(postgres) as unknown,
    ]);
    for (const group of propertiesOf("AWS::EC2::SecurityGroup")) {
      expect(group["SecurityGroupIngress"]).toBeUndefined();
    }
    ledger().hasResourceProperties("AWS::RDS::DBInstance", { PubliclyAccessible: false });
  });

  test("has no NAT, no way in, and a way out by IPv6 from the functions' subnets only", () => {
    for (const type of ["NatGateway", "InternetGateway"]) {
      expect(propertiesOf(`AWS::EC2::${type}`), type).toEqual([]);
    }
    expect(propertiesOf("AWS::EC2::Route")).toHaveLength(2);
    for (const route of propertiesOf("AWS::EC2::Route")) {
      expect(route).toMatchObject({
        DestinationIpv6CidrBlock: "::/0",
        EgressOnlyInternetGatewayId: expect.anything() as unknown,
      });
      expect(JSON.stringify(route["RouteTableId"])).toContain("functionsSubnet");
    }
  });

  test("is signed in to by IAM, without any password, and by TLS only", () => {
    ledger().hasResourceProperties("AWS::RDS::DBInstance", {
      EnableIAMDatabaseAuthentication: true,
      MasterUserAuthenticationType: "iam-db-auth",
      MasterUserPassword: Match.absent(),
    });
    ledger().hasResourceProperties("AWS::RDS::DBParameterGroup", {
      Family: "postgres17",
      Parameters: { "rds.force_ssl": "1" },
    });
    expect(propertiesOf("AWS::SecretsManager::Secret")).toEqual([]);
  });

  test("lets who only looks sign in as the reader, and no function as two", () => {
    const users = Object.entries(ledger().findResources("AWS::IAM::Policy")).flatMap(
      ([id, { Properties }]) =>
        [...JSON.stringify(Properties).matchAll(/"\/(senpu_\w+)"/g)].map(
          ([, user]) => `${/functions([a-z]+?)role/.exec(id)?.[1]} ${user}`,
        ),
    );
    expect(users.sort()).toEqual([
      "ledger senpu_recorder",
      "query senpu_reader",
      "recorder senpu_recorder",
      "retention senpu_recorder",
      "roles senpu_admin",
    ]);
  });

  test("records only once the roles are made", () => {
    const [trigger] = Object.keys(ledger().findResources("Custom::Trigger"));
    ledger().hasResource("AWS::Lambda::EventSourceMapping", {
      DependsOn: Match.arrayWith([trigger]),
    });
  });

  test("has six times the recorder's time, and the window, before a message comes again", () => {
    const [recorder] = propertiesOf("AWS::Lambda::Function").filter(({ Description }) =>
      String(Description).startsWith("records"),
    );
    const [source] = propertiesOf("AWS::Lambda::EventSourceMapping");
    Template.fromJSON(
      structuredClone(environments[0]?.templates.get("pipeline")) as object,
    ).hasResourceProperties("AWS::SQS::Queue", {
      QueueName: "senpu-test-ledger",
      VisibilityTimeout:
        6 * Number(recorder?.["Timeout"]) + Number(source?.["MaximumBatchingWindowInSeconds"]),
    });
    expect(source?.["FunctionResponseTypes"]).toEqual(["ReportBatchItemFailures"]);
  });

  test("answers producers under the name that they ask for, and who looks under another", () => {
    const names = propertiesOf("AWS::Lambda::Function").map(({ FunctionName }) => FunctionName);
    expect(new Set(names)).toEqual(new Set([undefined, "senpu-test-ledger", "senpu-test-query"]));
    expect(JSON.stringify(environments[0]?.templates.get("pipeline"))).toContain(
      '"SENPU_LEDGER_FUNCTION":"senpu-test-ledger"',
    );
  });
});

describe("without a ledger", () => {
  test("nothing is in a network, the producer knows, and every check still passes", async () => {
    const [environment] = ENVIRONMENTS;
    const schedules = environment!.pipeline.schedules.map((schedule) => ({
      ...schedule,
      overlap: "allow" as const,
    }));
    const without = defineEnvironment({
      ...environment!,
      ledger: null,
      site: null,
      pipeline: { ...environment!.pipeline, schedules },
    });
    const { stacks } = makeApp(without, await prepareAssets(), join(folder, "without")).synth();
    expect(stacks.map(({ id }) => id)).not.toContain("ledger");
    const template = stacks.find(({ id }) => id === "pipeline")?.template as object;
    expect(checkTemplate("pipeline", template)).toEqual([]);
    const pipeline = Template.fromJSON(template);
    pipeline.hasResourceProperties("AWS::Lambda::Function", {
      Environment: { Variables: Match.objectLike({ SENPU_LEDGER: "none" }) },
    });
    expect(JSON.stringify(template)).not.toContain("SENPU_LEDGER_FUNCTION");
  });
});
