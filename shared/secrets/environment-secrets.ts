import { environmentVariable } from "../environment.ts";
import type { SecretSource } from "./secret-source.ts";

/** Secrets as variables: `crm/token` is `<prefix>CRM_TOKEN`. */
export function openEnvironmentSecrets(prefix: string): SecretSource {
  const variable = (name: string): string =>
    prefix + name.replaceAll(/[^A-Za-z0-9]/g, "_").toUpperCase();
  return {
    read: async (name) => environmentVariable(variable(name)),
    describe: (name) => `environment variable ${variable(name)}`,
  };
}
