import { SenpuError } from "../../shared/errors.ts";
import { assemblyFolder, synthesiseApart } from "../deploy/assembly.ts";
import { deploymentWords, runCdk } from "../deploy/cdk.ts";
import { MAINTENANCE_PARAMETER } from "../edge/names.ts";
import type { Switch } from "./action.ts";

/**
 * Deploys the edge stack and no other, with the switch where it stays. What the CDK says goes to stderr.
 * Throws {@link SenpuError} `config` for what cannot be synthesised, `aws` when the deployment fails.
 */
export async function deployEdge(environment: string, position: Switch): Promise<void> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  say(`building and synthesising ${environment}`);
  await synthesiseApart(environment);
  const { isDone } = await runCdk(edgeWords(environment, position), { onLine: say });
  if (isDone) return;
  throw new SenpuError(
    "aws",
    `the deployment failed; what the CDK says stands above.\nIf this checkout changes more of the edge stack than the switch: senpu deploy --stack edge --env ${environment} shows what`,
  );
}

/** The CDK command line's words. */
export function edgeWords(environment: string, position: Switch): string[] {
  const parameters = { [MAINTENANCE_PARAMETER]: position };
  return deploymentWords("edge", assemblyFolder(environment), false, parameters);
}
