import { randomUUID } from "node:crypto";
import { FAKE_ACCOUNT_ID } from "./fake-stacks.ts";
import type { FakeEvent, FakeStack, FakeStacks } from "./fake-stacks.ts";

/** Status, content type, body. */
export type Answer = readonly [status: number, type: string, body: string];

const STS = "https://sts.amazonaws.com/doc/2011-06-15/";
const CLOUDFORMATION = "http://cloudformation.amazonaws.com/doc/2010-05-15/";
const WHO = `arn:aws:iam::${FAKE_ACCOUNT_ID}:user/dev`;

/** STS and CloudFormation, which speak the Query protocol: words in, XML out. */
export function answerQuery(account: FakeStacks, words: URLSearchParams, region: string): Answer {
  const action = words.get("Action") ?? "";
  account.log.push(`${region} ${action}`);
  if (account.refused.has(action)) {
    return fault(
      403,
      "AccessDenied",
      `User: ${WHO} is not authorized to perform: cloudformation:${action} on resource: arn:a`,
    );
  }
  if (action === "GetCallerIdentity") {
    return result(
      STS,
      action,
      `<Arn>${WHO}</Arn><UserId>u</UserId><Account>${FAKE_ACCOUNT_ID}</Account>`,
    );
  }
  // Roles are not modelled: the CDK then goes on with the credentials that it has.
  if (action === "AssumeRole") return fault(403, "AccessDenied", "no such role");
  if (action === "DescribeStackDriftDetectionStatus") {
    const ended = "<DetectionStatus>DETECTION_COMPLETE</DetectionStatus>";
    const id = words.get("StackDriftDetectionId") ?? "";
    return result(
      CLOUDFORMATION,
      action,
      `<StackId>${arnOf(id)}</StackId><StackDriftDetectionId>${id}</StackDriftDetectionId>${ended}`,
    );
  }
  if (action === "ListStacks") return listStacks(account, region);
  const place = placeOf(words.get("StackName") ?? words.get("StackId") ?? "", region);
  const stack = account.stacks.get(place);
  if (action === "CreateChangeSet") return createChangeSet(account, place, words);
  if (stack === undefined) {
    return fault(400, "ValidationError", `Stack with id ${words.get("StackName")} does not exist`);
  }
  switch (action) {
    case "DescribeStacks":
      return result(
        CLOUDFORMATION,
        action,
        `<Stacks><member>${describe(place, stack)}</member></Stacks>`,
      );
    case "GetTemplate":
      return result(
        CLOUDFORMATION,
        action,
        `<TemplateBody>${escape(stack.template)}</TemplateBody>`,
      );
    case "DescribeStackResource":
      return describeResource(place, stack, words.get("LogicalResourceId") ?? "");
    case "DescribeStackEvents":
      return result(
        CLOUDFORMATION,
        action,
        `<StackEvents>${stack.events.map((event) => describeEvent(place, event)).join("")}</StackEvents>`,
      );
    case "DescribeChangeSet":
      if (!pending.has(stack)) return fault(404, "ChangeSetNotFound", "ChangeSet does not exist");
      return result(
        CLOUDFORMATION,
        action,
        `<ChangeSetName>${words.get("ChangeSetName")}</ChangeSetName><ChangeSetId>arn:change</ChangeSetId><StackId>${arnOf(place)}</StackId><StackName>${place.split("/")[1]}</StackName><CreationTime>2026-01-01T00:00:00Z</CreationTime><Status>CREATE_COMPLETE</Status><ExecutionStatus>AVAILABLE</ExecutionStatus><Changes><member><Type>Resource</Type><ResourceChange><Action>Modify</Action><LogicalResourceId>a</LogicalResourceId><ResourceType>AWS::SQS::Queue</ResourceType></ResourceChange></member></Changes>`,
      );
    case "DeleteChangeSet":
      pending.delete(stack);
      return result(CLOUDFORMATION, action, "");
    case "ExecuteChangeSet":
      execute(account, place, stack);
      account.onExecute();
      return result(CLOUDFORMATION, action, "");
    case "DeleteStack":
      account.stacks.delete(place);
      return result(CLOUDFORMATION, action, "");
    case "DetectStackDrift":
      return result(
        CLOUDFORMATION,
        action,
        `<StackDriftDetectionId>${place}</StackDriftDetectionId>`,
      );
    case "DescribeStackResourceDrifts":
      return result(
        CLOUDFORMATION,
        action,
        `<StackResourceDrifts>${describeDrifts(place, stack)}</StackResourceDrifts>`,
      );
    default:
      return result(CLOUDFORMATION, action, "");
  }
}

function listStacks(account: FakeStacks, region: string): Answer {
  const members = [...account.stacks].flatMap(([place, { status }]) =>
    place.startsWith(`${region}/`)
      ? [
          `<member><StackId>${arnOf(place)}</StackId><StackName>${place.split("/")[1]}</StackName>` +
            `<CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>${status}</StackStatus></member>`,
        ]
      : [],
  );
  return result(
    CLOUDFORMATION,
    "ListStacks",
    `<StackSummaries>${members.join("")}</StackSummaries>`,
  );
}

function createChangeSet(account: FakeStacks, place: string, words: URLSearchParams): Answer {
  const key = words.get("TemplateURL")?.split("/").at(-1);
  const template = words.get("TemplateBody") ?? account.objects.get(key ?? "") ?? "{}";
  const stack = account.stacks.get(place) ?? account.addStack(place, "REVIEW_IN_PROGRESS");
  pending.set(stack, template);
  return result(
    CLOUDFORMATION,
    "CreateChangeSet",
    `<Id>arn:change</Id><StackId>${arnOf(place)}</StackId>`,
  );
}

/** Templates of change sets that have not been carried out. */
const pending = new WeakMap<FakeStack, string>();

function execute(account: FakeStacks, place: string, stack: FakeStack): void {
  const verb = stack.status === "REVIEW_IN_PROGRESS" ? "CREATE" : "UPDATE";
  const failure = account.failures.get(place);
  account.failures.delete(place);
  const tell = (event: Omit<FakeEvent, "id">): void =>
    void stack.events.unshift({ id: randomUUID(), ...event });
  const ofStack = { resource: place.split("/")[1] ?? "", type: "AWS::CloudFormation::Stack" };
  tell({ ...ofStack, status: `${verb}_IN_PROGRESS`, reason: "User Initiated" });
  if (failure === undefined) {
    stack.template = pending.get(stack) ?? stack.template;
    pending.delete(stack);
    const { Resources = {} } = JSON.parse(stack.template) as {
      Resources?: Record<string, { Type: string }>;
    };
    for (const [resource, { Type }] of Object.entries(Resources)) {
      tell({ resource, type: Type, status: `${verb}_COMPLETE` });
    }
    stack.status = `${verb}_COMPLETE`;
  } else {
    const { resource, type, reason } = failure;
    tell({
      resource: "other",
      type,
      status: `${verb}_FAILED`,
      reason: "Resource creation cancelled",
    });
    tell({ resource, type, status: `${verb}_FAILED`, reason });
    stack.status = failure.status;
  }
  tell({ ...ofStack, status: stack.status });
}

/** `region/name`, of a name or an ARN. */
function placeOf(named: string, region: string): string {
  const [, , , of = region, , resource] = named.split(":");
  return resource === undefined ? `${region}/${named}` : `${of}/${resource.split("/")[1]}`;
}

function arnOf(place: string): string {
  const [region, name] = place.split("/");
  return `arn:aws:cloudformation:${region}:${FAKE_ACCOUNT_ID}:stack/${name}/1`;
}

function describe(place: string, { status, outputs }: FakeStack): string {
  const told = [...outputs].map(
    ([key, value]) =>
      `<member><OutputKey>${key}</OutputKey><OutputValue>${escape(value)}</OutputValue></member>`,
  );
  return (
    `<StackId>${arnOf(place)}</StackId><StackName>${place.split("/")[1]}</StackName>` +
    `<CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>${status}</StackStatus>` +
    `<Outputs>${told.join("")}</Outputs>`
  );
}

/** Of services the ARN, as `Ref` gives it; of everything else a name. */
function describeResource(place: string, { template }: FakeStack, id: string): Answer {
  const { Resources = {} } = JSON.parse(template) as {
    Resources?: Record<string, { Type: string }>;
  };
  const type = Resources[id]?.Type;
  if (type === undefined) {
    return fault(400, "ValidationError", `Resource ${id} does not exist for stack ${place}`);
  }
  const [region] = place.split("/");
  const physical =
    type === "AWS::ECS::Service"
      ? `arn:aws:ecs:${region}:${FAKE_ACCOUNT_ID}:service/cluster/${id}`
      : `${id}-1`;
  return result(
    CLOUDFORMATION,
    "DescribeStackResource",
    `<StackResourceDetail><LogicalResourceId>${id}</LogicalResourceId><PhysicalResourceId>${physical}</PhysicalResourceId>` +
      `<ResourceType>${type}</ResourceType><ResourceStatus>CREATE_COMPLETE</ResourceStatus>` +
      `<LastUpdatedTimestamp>2026-01-01T00:00:00Z</LastUpdatedTimestamp></StackResourceDetail>`,
  );
}

function describeEvent(
  place: string,
  { id, resource, type, status, reason = "" }: FakeEvent,
): string {
  const physical = type === "AWS::CloudFormation::Stack" ? arnOf(place) : `${resource}-1`;
  return (
    `<member><EventId>${id}</EventId><StackId>${arnOf(place)}</StackId><StackName>${place.split("/")[1]}</StackName>` +
    `<LogicalResourceId>${resource}</LogicalResourceId><PhysicalResourceId>${physical}</PhysicalResourceId>` +
    `<ResourceType>${type}</ResourceType><ResourceStatus>${status}</ResourceStatus>` +
    `<ResourceStatusReason>${escape(reason)}</ResourceStatusReason><Timestamp>${new Date().toISOString()}</Timestamp></member>`
  );
}

function describeDrifts(place: string, { drifted }: FakeStack): string {
  return [...drifted]
    .map(([id, { type, status, paths, physicalId = id, expected = {} }]) => {
      const differences = paths.map(
        (path) =>
          `<member><PropertyPath>${path}</PropertyPath><ExpectedValue>a</ExpectedValue><ActualValue>b</ActualValue><DifferenceType>NOT_EQUAL</DifferenceType></member>`,
      );
      return (
        `<member><StackId>${arnOf(place)}</StackId><LogicalResourceId>${id}</LogicalResourceId><ResourceType>${type}</ResourceType>` +
        `<PhysicalResourceId>${physicalId}</PhysicalResourceId>` +
        `<ExpectedProperties>${escape(JSON.stringify(expected))}</ExpectedProperties>` +
        `<StackResourceDriftStatus>${status}</StackResourceDriftStatus><Timestamp>2026-01-01T00:00:00Z</Timestamp>` +
        `<PropertyDifferences>${differences.join("")}</PropertyDifferences></member>`
      );
    })
    .join("");
}

function result(namespace: string, action: string, inner: string): Answer {
  return [
    200,
    "text/xml",
    `<${action}Response xmlns="${namespace}"><${action}Result>${inner}</${action}Result></${action}Response>`,
  ];
}

function fault(status: number, code: string, message: string): Answer {
  return [
    status,
    "text/xml",
    `<ErrorResponse xmlns="${CLOUDFORMATION}"><Error><Type>Sender</Type><Code>${code}</Code><Message>${escape(message)}</Message></Error></ErrorResponse>`,
  ];
}

function escape(value: string): string {
  return value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
