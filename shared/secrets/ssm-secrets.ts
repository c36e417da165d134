import { GetParameterCommand, ParameterNotFound, SSMClient } from "@aws-sdk/client-ssm";
import { SenpuError, messageOf } from "../errors.ts";
import { awsSettings } from "./aws-settings.ts";
import type { SecretSource } from "./secret-source.ts";

/** Secrets as parameters of SSM's Parameter Store, SecureStrings decrypted: `crm/token` is `<prefix>crm/token`. */
export function openSsmSecrets(prefix: string): SecretSource {
  const client = new SSMClient(awsSettings("SSM"));
  const describe = (name: string): string => `SSM parameter ${prefix}${name}`;
  return {
    read: async (name) => {
      try {
        const Name = prefix + name;
        const found = await client.send(new GetParameterCommand({ Name, WithDecryption: true }));
        return found.Parameter?.Value;
      } catch (cause) {
        if (cause instanceof ParameterNotFound) return undefined;
        const { name: kind } = cause as Error;
        throw new SenpuError("secrets", `${describe(name)}: ${kind}: ${messageOf(cause)}`, {
          cause,
        });
      }
    },
    describe,
  };
}
