import { z } from "zod";
import type { Issue } from "../document/issues.ts";
import { closedObject } from "../document/scalars.ts";
import { textsOf } from "../model/auth.ts";
import type { Lane } from "../model/lane.ts";
import { namesIn } from "../secrets/references.ts";

/** Where workers of a deployment find secrets, and which they may read. */
export interface SecretsConfig {
  readonly store: "ssm" | "secretsmanager";
  /** That workers of every lane may read, beside what their lane's `auth` names. */
  readonly names: readonly string[];
}

const STORE_RIGHT = "ssm (Parameter Store) or secretsmanager";
const NAME_RIGHT = "a secret's name, such as crm/token";

export const secretsSchema = closedObject({
  store: z.enum(["ssm", "secretsmanager"], { error: STORE_RIGHT }).meta({
    description: `${STORE_RIGHT}. A secret's name there begins with the deployment's: /senpu-test/crm/token, senpu-test/crm/token.`,
  }),
  names: z
    .array(
      z.string({ error: NAME_RIGHT }).refine((name) => namesIn(`\${secret:${name}}`).length === 1, {
        error: NAME_RIGHT,
      }),
      { error: `a list; ${NAME_RIGHT}` },
    )
    .default([])
    .meta({ description: "Secrets that plans name, beside those that the lanes' auth names." }),
}).meta({ description: "Where deployed workers find ${secret:name}, and which they may read." });

/** A lane whose secrets nobody could read. */
export function checkSecretStore(
  lanes: readonly Pick<Lane, "name" | "auth">[],
  secrets: SecretsConfig | undefined,
): Issue[] {
  if (secrets !== undefined) return [];
  return lanes.flatMap((lane) =>
    secretsOfLane(lane, undefined)
      .slice(0, 1)
      .map((name) => ({
        path: ["lanes", lane.name, "auth"],
        text: `names secret ${name}, and no store is declared; give secrets: { store: ssm }`,
      })),
  );
}

/** Names of the secrets, without a field, that workers of a lane may read; each once. */
export function secretsOfLane(
  { auth }: Pick<Lane, "auth">,
  secrets: SecretsConfig | undefined,
): string[] {
  const named = (auth ? textsOf(auth) : [])
    .flatMap(namesIn)
    .filter((name) => name.startsWith("secret:"))
    .map((name) => name.slice("secret:".length));
  return [...new Set([...named, ...(secrets?.names ?? [])].map((name) => name.split("#", 1)[0]!))];
}
