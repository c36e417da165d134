import type { Service, StoppedTask } from "../../infra/doctor/judge-service.ts";
import type { FakeAccount } from "./fake-account.ts";

/** A pipeline's template, as far as it declares the services of lanes on Fargate: as the CDK writes it. */
export function fargateTemplate(lanes: readonly string[]): {
  readonly Resources: Readonly<Record<string, object>>;
} {
  const resources = lanes.flatMap((lane, index) => [
    [`task${index}`, taskOf(lane)] as const,
    [
      `service${index}`,
      { Type: "AWS::ECS::Service", Properties: { TaskDefinition: { Ref: `task${index}` } } },
    ] as const,
  ]);
  return { Resources: Object.fromEntries(resources) };
}

function taskOf(lane: string): object {
  const Environment = [
    { Name: "SENPU_COORDINATION_TABLE", Value: { Ref: "table" } },
    { Name: "SENPU_LANES", Value: lane },
  ];
  return {
    Type: "AWS::ECS::TaskDefinition",
    Properties: { ContainerDefinitions: [{ Name: "worker", Environment }] },
  };
}

/** ECS, as it tells of services and of tasks that stopped. */
export interface FakeFargate {
  /** By the name that {@link fargateTemplate} gives it; what is not here is as a service that has nothing to do. */
  readonly services: Map<string, Service | undefined>;
  readonly stopped: StoppedTask[];
}

const AT_REST: Service = {
  status: "ACTIVE",
  desiredCount: 0,
  runningCount: 0,
  deployments: [{ status: "PRIMARY", rolloutState: "COMPLETED" }],
};

export function runFargate(account: FakeAccount): FakeFargate {
  const fake: FakeFargate = { services: new Map(), stopped: [] };
  account.json
    .set("DescribeServices", ({ services }) => {
      const [arn = ""] = services as readonly string[];
      const name = arn.split("/").at(-1) ?? "";
      const service = fake.services.has(name) ? fake.services.get(name) : AT_REST;
      return service === undefined
        ? { services: [], failures: [{ arn, reason: "MISSING" }] }
        : { services: [service], failures: [] };
    })
    .set("ListTasks", ({ desiredStatus }) => ({
      taskArns: desiredStatus === "STOPPED" ? fake.stopped.map((_, index) => `arn:${index}`) : [],
    }))
    .set("DescribeTasks", () => ({ tasks: fake.stopped, failures: [] }));
  return fake;
}
