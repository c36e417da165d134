import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import type { S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll } from "vitest";
import { startFauxqs } from "../../shared/broker/fauxqs-broker.ts";
import type { RunningFauxqs } from "../../shared/broker/fauxqs-broker.ts";
import { createS3Client } from "../../shared/s3/s3-client.ts";

const VARIABLE = "AWS_ENDPOINT_URL_S3";

export interface TestedS3 {
  readonly client: S3Client;
  readonly endpointUrl: string;
  /** Its name. */
  makeBucket(): Promise<string>;
}

/** To be called at the top of a test file: S3 by the embedded broker, which this process's S3 clients then talk to. */
export function useS3(): TestedS3 {
  let embedded: RunningFauxqs;
  let dataDir: string;
  let client: S3Client;
  const before = process.env[VARIABLE];
  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), "senpu-s3-"));
    embedded = await startFauxqs({ dataDir });
    process.env[VARIABLE] = embedded.endpointUrl;
    client = createS3Client();
  });
  afterAll(async () => {
    client.destroy();
    if (before === undefined) delete process.env[VARIABLE];
    else process.env[VARIABLE] = before;
    await embedded.stop();
    rmSync(dataDir, { recursive: true });
  });
  return {
    get client() {
      return client;
    },
    get endpointUrl() {
      return embedded.endpointUrl;
    },
    makeBucket: async () => {
      const Bucket = `t-${randomUUID()}`;
      await client.send(new CreateBucketCommand({ Bucket }));
      return Bucket;
    },
  };
}
