import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import type { Clients } from "./clients.ts";
import { explainRefusal } from "../../shared/aws/explain-refusal.ts";

/** Whose credentials these are; nothing of it is a secret. */
export interface Identity {
  readonly account: string;
  readonly arn: string;
}

/** Needs no permission, only credentials. Throws {@link SenpuError} `aws`. */
export async function whoAmI(clients: Clients, region: string): Promise<Identity> {
  try {
    const { Account, Arn } = await clients
      .of(STSClient, region)
      .send(new GetCallerIdentityCommand({}));
    return { account: Account ?? "unknown", arn: Arn ?? "unknown" };
  } catch (error) {
    throw explainRefusal(error, "asking AWS whose credentials these are");
  }
}
