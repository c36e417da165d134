import { parseDurationMs } from "../duration.ts";
import { environmentVariable } from "../environment.ts";
import { SenpuError } from "../errors.ts";
import { openEnvironmentSecrets } from "./environment-secrets.ts";
import { openFolderSecrets } from "./folder-secrets.ts";
import type { SecretSource } from "./secret-source.ts";
import { Secrets } from "./secrets.ts";

/** Names the stores; see {@link openSecrets}. */
const SECRETS_VARIABLE = "SENPU_SECRETS";

const DEFAULT_STORES = "env:SENPU_SECRET_,folder:/run/secrets";
const DEFAULT_TTL = "5m";
const RIGHT =
  "stores by comma, such as env:SENPU_SECRET_, folder:/run/secrets, ssm:/senpu/ or secretsmanager:senpu/";

/**
 * Where `${secret:name}` is looked up: in the stores of `SENPU_SECRETS`, in their order; the first that has it counts.
 * Each is a kind and what stands before the name in it: `env:PREFIX_` (`crm/token` is `PREFIX_CRM_TOKEN`),
 * `folder:/path`, `ssm:/prefix/` (Parameter Store), `secretsmanager:prefix/`. Default: `env:SENPU_SECRET_` and then
 * `folder:/run/secrets`. What is read is kept for `SENPU_SECRETS_TTL`, default 5m. AWS's clients are loaded when the
 * first secret is read of them. Throws SenpuError `usage` for what is no store.
 */
export function openSecrets(): Secrets {
  const stores = environmentVariable(SECRETS_VARIABLE) || DEFAULT_STORES;
  const ttl = environmentVariable("SENPU_SECRETS_TTL") || DEFAULT_TTL;
  const ttlMs = parseDurationMs(ttl);
  if (ttlMs === undefined || ttlMs === 0) {
    throw new SenpuError("usage", `SENPU_SECRETS_TTL=${ttl}: give a time such as 5m`);
  }
  return new Secrets(stores.split(",").map(openSource), ttlMs);
}

function openSource(text: string): SecretSource {
  const [, kind = "", rest = ""] = /^\s*([a-z]+)(?::(.*?))?\s*$/.exec(text) ?? [];
  switch (kind) {
    case "env":
      return openEnvironmentSecrets(rest);
    case "folder":
      if (rest.startsWith("/") || /^[A-Za-z]:/.test(rest) || rest.startsWith(".")) {
        return openFolderSecrets(rest);
      }
      break;
    case "ssm":
      return lazy(
        async () => (await import("./ssm-secrets.ts")).openSsmSecrets(rest),
        `SSM parameter ${rest}`,
      );
    case "secretsmanager":
      return lazy(
        async () => (await import("./secrets-manager-secrets.ts")).openSecretsManagerSecrets(rest),
        `Secrets Manager's secret ${rest}`,
      );
    default:
  }
  throw new SenpuError("usage", `${SECRETS_VARIABLE}: ${JSON.stringify(text)} is none; ${RIGHT}`);
}

function lazy(open: () => Promise<SecretSource>, shown: string): SecretSource {
  let opened: Promise<SecretSource> | undefined;
  return {
    read: async (name) => (await (opened ??= open())).read(name),
    describe: (name) => shown + name,
  };
}
