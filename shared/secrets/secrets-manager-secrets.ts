import {
  GetSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { SenpuError, messageOf } from "../errors.ts";
import { awsSettings } from "./aws-settings.ts";
import type { SecretSource } from "./secret-source.ts";

/** Secrets of Secrets Manager, in their current version: `crm/token` is `<prefix>crm/token`. */
export function openSecretsManagerSecrets(prefix: string): SecretSource {
  const client = new SecretsManagerClient(awsSettings("SECRETS_MANAGER"));
  const describe = (name: string): string => `Secrets Manager's secret ${prefix}${name}`;
  return {
    read: async (name) => {
      try {
        const found = await client.send(new GetSecretValueCommand({ SecretId: prefix + name }));
        if (found.SecretString !== undefined) return found.SecretString;
        return found.SecretBinary && Buffer.from(found.SecretBinary).toString("utf8");
      } catch (cause) {
        if (cause instanceof ResourceNotFoundException) return undefined;
        const { name: kind } = cause as Error;
        throw new SenpuError("secrets", `${describe(name)}: ${kind}: ${messageOf(cause)}`, {
          cause,
        });
      }
    },
    describe,
  };
}
