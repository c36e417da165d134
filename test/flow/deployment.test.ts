import { PutObjectCommand } from "@aws-sdk/client-s3";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { startFauxqs } from "../../shared/broker/fauxqs-broker.ts";
import { EXIT } from "../../shared/errors.ts";
import { createBroker } from "../../shared/broker/aws-broker.ts";
import { startDynamoStore } from "../support/dynamo-store.ts";
import { FlowStage, callsTo } from "../support/flow-stage.ts";
import { useS3 } from "../support/s3.ts";

/**
 * Commands in a deployment, as containers begin them: no endpoint on the command line, but a prefix and the names of
 * stores in the environment. The SDK's own variables say where its AWS is.
 */

const stage = new FlowStage("deployment");
const PREFIX = "senpu-shop";
let env: Record<string, string> = {};
const s3 = useS3();

beforeAll(async () => {
  const aws = await startFauxqs({ dataDir: join(stage.folder, "aws") });
  stage.onClose(() => aws.stop());
  const dynamo = await startDynamoStore();
  stage.onClose(() => dynamo.close());
  const { endpointUrl } = aws;
  // What the stacks make: a command only looks there.
  const broker = createBroker({ endpointUrl, prefix: PREFIX });
  await broker.ensure(["default", "shop"]);
  await broker.close();
  env = {
    AWS_ENDPOINT_URL_SNS: endpointUrl,
    AWS_ENDPOINT_URL_SQS: endpointUrl,
    AWS_ENDPOINT_URL_S3: s3.endpointUrl,
    AWS_ENDPOINT_URL_DYNAMODB: dynamo.url,
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    SENPU_PREFIX: PREFIX,
    SENPU_COORDINATION_TABLE: `${PREFIX}-coordination`,
  };
});

test("producer, worker and recorder do a run together, knowing each other by the deployment's names only, of a plan in S3", async () => {
  const server = await stage.startServer();
  const [here, elsewhere] = [stage.newState(), stage.newState()];
  const worker = stage.start(["worker", "--lanes", "shop", "--state", elsewhere], { env });
  await worker.waitForStderr(/working for senpu-shop/);
  const recorder = stage.start(["recorder", "--state", here], { env });
  await recorder.waitForStderr(/recording into/);
  const plan = stage.writePlan("shop", callsTo(`${server.url}/ok`, "shop", 20), {
    lanes: { shop: { match: `${server.url}/**`, concurrency: 4 } },
  });
  const Bucket = await s3.makeBucket();
  const object = { Bucket, Key: "shop.json", Body: readFileSync(plan) };
  await s3.client.send(new PutObjectCommand(object));
  const words = ["--no-worker", "--no-recorder", "--json", "--state", here];
  const run = await stage.run(["run", `s3://${Bucket}/shop.json`, ...words], { env });
  expect(run.exitCode, run.stderr).toBe(EXIT.succeeded);
  expect(JSON.parse(run.stdout)).toMatchObject({ planned: 20, succeeded: 20 });
  expect(server.requests).toHaveLength(20);
  for (const part of [worker, recorder]) {
    part.kill("SIGTERM");
    const { exitCode, stderr } = await part.ended;
    expect(exitCode, stderr).toBe(EXIT.succeeded);
  }
  // Nobody started a broker of his own, and the worker opened no ledger.
  expect(existsSync(join(here, "broker.json"))).toBe(false);
  expect(readdirSync(elsewhere)).not.toContain("ledger.db");
});

test("a lane that the deployment does not have is told, and not made", async () => {
  const words = ["worker", "--lanes", "unknown", "--state", stage.newState()];
  const { exitCode, stderr } = await stage.run(words, { env });
  expect(exitCode).toBe(EXIT.unreachable);
  expect(stderr).toContain("queue senpu-shop-lane-unknown does not exist; is its lane deployed?");
});

test("senpu dlq reads the deployment's queues", async () => {
  const words = ["dlq", "shop", "--state", stage.newState()];
  const { exitCode, stdout, stderr } = await stage.run(words, { env });
  expect(exitCode, stderr).toBe(EXIT.succeeded);
  expect(stdout + stderr).toMatch(/nothing|empty|no letters/i);
});
