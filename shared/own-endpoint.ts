import { environmentVariable } from "./environment.ts";

/** An endpoint that is not AWS's may know neither regions nor accounts: what the SDK wants all the same. */
export function ownEndpointSettings(): {
  region: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
} {
  return {
    region: "us-east-1",
    ...(environmentVariable("AWS_ACCESS_KEY_ID") === undefined && {
      credentials: { accessKeyId: "senpu", secretAccessKey: "senpu" },
    }),
  };
}
