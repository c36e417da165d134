import { SenpuError, messageOf } from "../errors.ts";
import type { PostgresPlace } from "./postgres-place.ts";

/**
 * What a new connection is to show when the server asks for a password. A token of IAM is signed here, without a request,
 * and is good for 15 minutes, which only the sign-in has to fall in (RDS user guide, "IAM database authentication").
 * Region and credentials are what the AWS SDK finds in the environment.
 */
export function passwordOf({ signIn, host, port, user }: PostgresPlace): () => Promise<string> {
  if (signIn === "nobody asks") return async () => "";
  if (signIn !== "iam") return async () => signIn.password;
  return async () => {
    try {
      const { Signer } = await import("@aws-sdk/rds-signer");
      return await new Signer({ hostname: host, port, username: user }).getAuthToken();
    } catch (cause) {
      throw new SenpuError(
        "ledger",
        `no IAM token can be made for the ledger's user ${user} at ${host}: ${messageOf(cause)}; ` +
          "give AWS_REGION and credentials, or a password in SENPU_LEDGER_PASSWORD",
        { cause },
      );
    }
  };
}
