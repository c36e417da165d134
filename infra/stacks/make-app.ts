import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks, ServerlessChecks } from "cdk-nag";
import type { Environment } from "../environments/environment.ts";
import type { Assets } from "./assets.ts";
import { declareStacks } from "./declare.ts";

const SETTINGS = fileURLToPath(new URL("../../cdk.json", import.meta.url));

/**
 * One environment's app, with everything that looks at its templates while they are synthesised: CDK's own validation,
 * as errors, and cdk-nag. Synthesis throws for whatever they find.
 * `outdir`: where the templates go; absent: where the CDK command line says.
 */
export function makeApp(environment: Environment, assets: Assets, outdir?: string): App {
  const { context } = JSON.parse(readFileSync(SETTINGS, "utf8")) as { context: object };
  const app = new App({ context, ...(outdir === undefined ? {} : { outdir }) });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
  declareStacks(app, environment, assets);
  return app;
}
