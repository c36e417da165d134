import { S3Client } from "@aws-sdk/client-s3";
import { environmentVariable } from "../environment.ts";

const CONNECTION_TIMEOUT_MS = 5_000;
/** Between two bytes of an answer: large objects take longer as a whole. */
const REQUEST_TIMEOUT_MS = 30_000;

/**
 * S3: AWS's, or the endpoint that `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL` names, as for every AWS tool; there buckets
 * stand in the path, since their names as hosts mean nothing to a local endpoint. `region`: default what the SDK finds.
 */
export function createS3Client(region?: string): S3Client {
  const endpoint =
    environmentVariable("AWS_ENDPOINT_URL_S3") ?? environmentVariable("AWS_ENDPOINT_URL");
  return new S3Client({
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && {
      endpoint,
      forcePathStyle: true,
      region: region ?? environmentVariable("AWS_REGION") ?? "us-east-1",
      ...(environmentVariable("AWS_ACCESS_KEY_ID") === undefined && {
        credentials: { accessKeyId: "senpu", secretAccessKey: "senpu" },
      }),
    }),
  });
}

/** The HTTP status of what the SDK threw; undefined where no answer came. */
export function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}

/** Source: S3 user guide, "Bucket naming rules". */
export const BUCKET_NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
