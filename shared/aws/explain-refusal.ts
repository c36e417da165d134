import { SenpuError, messageOf } from "../errors.ts";

/** What IAM says, in the words of every service. Source: IAM user guide, "Troubleshoot access denied error messages". */
const DENIED = /not authorized to perform: ([\w-]+):(\w+)(?: on resource: (\S+))?/;

const UNKNOWN_CREDENTIALS = new Set([
  "ExpiredToken",
  "ExpiredTokenException",
  "InvalidClientTokenId",
  "InvalidSignatureException",
  "SignatureDoesNotMatch",
  "UnrecognizedClientException",
]);

const LOG_IN =
  "set AWS_PROFILE (after aws sso login, if it needs that), or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";

/**
 * What the SDK threw, as {@link SenpuError} `aws` that says what is missing: credentials, or the action that IAM did not
 * allow. `doing`: what was wanted, as in "reading the stack".
 */
export function explainRefusal(error: unknown, doing: string): SenpuError {
  if (error instanceof SenpuError) return error;
  return new SenpuError("aws", `${doing}: ${reasonOf(error)}`, { cause: error });
}

/** The action and the resource that IAM did not allow, in a service's words; undefined: it says something else. */
export function explainDenied(message: string): string | undefined {
  const [, service, action, resource] = DENIED.exec(message) ?? [];
  if (service === undefined) return undefined;
  const where = resource === undefined ? "" : ` on ${resource}`;
  return `not allowed; these credentials need the IAM action ${service.toLowerCase()}:${action}${where}`;
}

function reasonOf(error: unknown): string {
  const { name, code } = Object(error) as { name?: string; code?: string };
  const message = messageOf(error);
  if (name === "CredentialsProviderError") {
    return `no AWS credentials (${firstLine(message)}); ${LOG_IN}`;
  }
  if (name !== undefined && UNKNOWN_CREDENTIALS.has(name)) {
    return `AWS does not take these credentials (${name}); ${LOG_IN}`;
  }
  const denied = explainDenied(message);
  if (denied !== undefined) return denied;
  // An error of several addresses tried has no message of its own.
  return message === "" ? (code ?? "no reason given") : firstLine(message);
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}
