import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { SenpuError } from "../../shared/errors.ts";
import { MAINTENANCE_PARAMETER } from "../edge/names.ts";
import type { Switch } from "./action.ts";

const require = createRequire(import.meta.url);

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));

/** The CDK command line's words: this stack and no other, with the switch where it stays. */
export function deploymentWords(environment: string, position: Switch): string[] {
  return [
    "deploy",
    "edge",
    "--exclusively",
    "--app",
    `"${process.execPath}" infra/app.ts ${environment}`,
    "--output",
    join("dist/cdk.out", environment),
    "--parameters",
    `${MAINTENANCE_PARAMETER}=${position}`,
  ];
}

/** Runs the CDK command line; what it says goes to stderr. Throws {@link SenpuError} `aws` when it fails. */
export async function deployEdge(environment: string, position: Switch): Promise<void> {
  const child = spawn(process.execPath, [cdkProgram(), ...deploymentWords(environment, position)], {
    cwd: PROJECT,
    stdio: ["inherit", 2, 2],
  });
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  if (code === 0) return;
  throw new SenpuError(
    "aws",
    `the deployment failed (${signal ?? `exit code ${code}`}); what the CDK says stands above`,
  );
}

function cdkProgram(): string {
  try {
    return join(dirname(require.resolve("aws-cdk/package.json")), "bin/cdk");
  } catch (cause) {
    throw new SenpuError(
      "config",
      "the CDK command line is not installed: npm ci in a checkout of senpu, or use --now",
      { cause },
    );
  }
}
