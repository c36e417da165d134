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

/** Not AWS's, where everything is declared with the rest of the infrastructure, whatever the way to it (its private endpoints included). */
export function isOwn(endpointUrl: string | undefined): boolean {
  if (endpointUrl === undefined) return false;
  return !/(^|\.)(amazonaws\.com(\.cn)?|api\.aws)$/.test(URL.parse(endpointUrl)?.hostname ?? "");
}
