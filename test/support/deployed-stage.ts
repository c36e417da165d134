import { join } from "node:path";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { beforeAll } from "vitest";
import { answerLedger } from "../../consumer/entries/answer-ledger.ts";
import { createBroker } from "../../shared/broker/aws-broker.ts";
import { startFauxqs } from "../../shared/broker/fauxqs-broker.ts";
import { laneSchema } from "../../shared/config/lane-schema.ts";
import type { DeployedLanes } from "../../shared/deployment/deployed-lanes.ts";
import { LEDGER_OUTPUTS, PIPELINE_OUTPUTS } from "../../shared/deployment/outputs.ts";
import { openSqliteLedger } from "../../shared/ledger/sqlite-ledger.ts";
import { openStateFolder } from "../../shared/state/state-folder.ts";
import { startDynamoStore } from "./dynamo-store.ts";
import { startFakeCloudFormation } from "./fake-cloudformation.ts";
import type { FakeCloudFormation } from "./fake-cloudformation.ts";
import { FlowStage } from "./flow-stage.ts";
import type { LambdaEndpoint } from "./lambda-endpoint.ts";
import { useLambdaEndpoint } from "./lambda-endpoint.ts";
import { useS3 } from "./s3.ts";

/** Of environment `test`, as `infra/environments/test.ts` has it. */
const PREFIX = "senpu-test";
const REGION = "ap-northeast-1";

const CREDENTIALS = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };

export interface DeployedStage {
  readonly stage: FlowStage;
  readonly stack: FakeCloudFormation;
  readonly lambda: LambdaEndpoint;
  /** For a command that is given nothing but `--env test`: credentials, and where the SDK's AWS is. */
  readonly person: Readonly<Record<string, string>>;
  /** For what is deployed: the names of its stores too. */
  readonly container: Readonly<Record<string, string>>;
  /** Where the recorder records. */
  readonly recorded: string;
  /** Starts one recorder and one worker of the deployment, which stay. */
  startConsumers(): Promise<void>;
}

export interface DeployedLane {
  readonly name: string;
  readonly match?: readonly string[];
  readonly concurrency?: number;
  readonly rate?: { readonly count: number; readonly perMs: number };
}

/**
 * To be called at the top of a test file: environment `test` as it is deployed, of pieces that this machine has. SNS, SQS
 * and S3 by the embedded broker, DynamoDB by dynalite, CloudFormation by a fake of two stacks, the ledger's functions by
 * what they are bundled from, over a file; workers and recorder are processes.
 */
export function useDeployedStage(
  name: string,
  lanes: readonly DeployedLane[],
  { ledger: hasLedger = true } = {},
): DeployedStage {
  const stage = new FlowStage(name);
  const lambda = useLambdaEndpoint();
  const s3 = useS3();
  const recorded = stage.newState();
  let stack: FakeCloudFormation;
  let person: Record<string, string> = {};
  let container: Record<string, string> = {};

  beforeAll(async () => {
    const aws = await startFauxqs({ dataDir: join(stage.folder, "aws") });
    stage.onClose(() => aws.stop());
    const dynamo = await startDynamoStore();
    stage.onClose(() => dynamo.close());
    const { endpointUrl } = aws;
    const broker = createBroker({ endpointUrl, prefix: PREFIX, region: REGION });
    await broker.ensure(lanes.map((lane) => lane.name));
    await broker.close();
    await s3.client.send(new CreateBucketCommand({ Bucket: `${PREFIX}-claims` }));
    stack = await startFakeCloudFormation(`${PREFIX}-pipeline`);
    stage.onClose(() => stack.close());
    for (const [key, output] of Object.entries(PIPELINE_OUTPUTS)) {
      stack.outputs.set(output, `${PREFIX}-${key === "claimsBucket" ? "claims" : key}`);
    }
    stack.outputs.set("Lanes1", JSON.stringify(deployedLanes(lanes)));
    if (hasLedger) {
      const ledger = openSqliteLedger(openStateFolder(recorded).ledgerFile);
      stage.onClose(() => ledger.close());
      lambda.functions
        .set("the-ledger", (event) => answerLedger(ledger, event, "write"))
        .set("the-query", (event) => answerLedger(ledger, event, "read"));
      stack.others.set(
        `${PREFIX}-ledger`,
        new Map([
          [LEDGER_OUTPUTS.function, "the-ledger"],
          [LEDGER_OUTPUTS.queryFunction, "the-query"],
        ]),
      );
    }
    person = {
      ...CREDENTIALS,
      AWS_ENDPOINT_URL_SNS: endpointUrl,
      AWS_ENDPOINT_URL_SQS: endpointUrl,
      AWS_ENDPOINT_URL_DYNAMODB: dynamo.url,
      AWS_ENDPOINT_URL_CLOUDFORMATION: stack.url,
      AWS_EC2_METADATA_DISABLED: "true",
    };
    container = {
      ...person,
      AWS_REGION: REGION,
      SENPU_PREFIX: PREFIX,
      SENPU_COORDINATION_TABLE: `${PREFIX}-coordinationTable`,
      SENPU_CLAIMS_BUCKET: `${PREFIX}-claims`,
    };
  });

  return {
    stage,
    lambda,
    recorded,
    get stack() {
      return stack;
    },
    get person() {
      return person;
    },
    get container() {
      return container;
    },
    startConsumers: async () => {
      const worker = stage.start(["worker", "--state", stage.newState()], { env: container });
      const recorder = stage.start(["recorder", "--state", recorded], { env: container });
      await Promise.all([
        worker.waitForStderr(/working for/),
        recorder.waitForStderr(/recording into/),
      ]);
    },
  };
}

function deployedLanes(lanes: readonly DeployedLane[]): DeployedLanes {
  return {
    lanes: lanes.map((lane) => ({
      ...laneSchema.parse({ concurrency: 8, timeout: "30s" }),
      match: [],
      ...lane,
    })),
  };
}
