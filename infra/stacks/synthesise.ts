import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Template } from "../checks/template.ts";
import type { Environment } from "../environments/environment.ts";
import { ENVIRONMENTS } from "../environments/index.ts";
import { prepareAssets } from "./assets.ts";
import { makeApp } from "./make-app.ts";

const OUT = fileURLToPath(new URL("../../dist/cdk.out", import.meta.url));

export interface Synthesised {
  readonly environment: Environment;
  /** By the stack's id, which is the same in each environment. */
  readonly templates: ReadonlyMap<string, Template>;
}

/** Every environment's templates, offline and without credentials. Throws what CDK's validation and cdk-nag find. */
export async function synthesise(outDir: string = OUT): Promise<Synthesised[]> {
  const assets = await prepareAssets();
  return ENVIRONMENTS.map((environment) => {
    const { stacks } = makeApp(environment, assets, join(outDir, environment.name)).synth();
    return {
      environment,
      templates: new Map(stacks.map(({ id, template }) => [id, template as Template])),
    };
  });
}
