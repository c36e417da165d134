import { SenpuError, messageOf } from "../../shared/errors.ts";
import { openSecrets } from "../../shared/secrets/open.ts";
import type { SecretName } from "../../shared/secrets/references.ts";

/**
 * Reads every secret that the plan's text refers to, before anything is sent, where workers of this machine will resolve
 * them. Throws SenpuError: `plan`, with a line for each that does not exist, or `secrets` when a store cannot be asked.
 */
export async function checkSecrets(names: readonly SecretName[], shown: string): Promise<void> {
  if (names.length === 0) return;
  const secrets = openSecrets();
  const results = await Promise.allSettled(names.map((name) => secrets.load([name])));
  const errors = results.flatMap((result) =>
    result.status === "rejected" ? [result.reason as unknown] : [],
  );
  const unreachable = errors.find((error) => error instanceof SenpuError);
  if (unreachable !== undefined) throw unreachable;
  if (errors.length === 0) return;
  const lines = [...new Set(errors.map((error) => `${shown}: ${messageOf(error)}`))];
  throw new SenpuError("plan", lines.join("\n"));
}
