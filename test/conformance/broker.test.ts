import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { createBroker } from "../../shared/broker/aws-broker.ts";
import { startFauxqs } from "../../shared/broker/fauxqs-broker.ts";
import type { RunningFauxqs } from "../../shared/broker/fauxqs-broker.ts";
import { brokerConformance } from "./broker.ts";

let dataDir: string;
let embedded: RunningFauxqs;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "senpu-conformance-"));
  embedded = await startFauxqs({ dataDir });
});
afterAll(async () => {
  await embedded.stop();
  rmSync(dataDir, { recursive: true });
});

brokerConformance("embedded", (prefix) =>
  createBroker({ endpointUrl: embedded.endpointUrl, prefix }),
);

const endpointUrl = process.env["SENPU_TEST_ENDPOINT_URL"];
if (endpointUrl) {
  brokerConformance(endpointUrl, (prefix) => createBroker({ endpointUrl, prefix }));
} else {
  test("broker: another endpoint", ({ skip }) =>
    skip("SENPU_TEST_ENDPOINT_URL names no other SNS/SQS endpoint"));
}
