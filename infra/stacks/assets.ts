import { ContainerImage } from "aws-cdk-lib/aws-ecs";
import { readConfig } from "../../shared/config/read-config.ts";
import type { Config } from "../../shared/config/config.ts";
import { bundleAll } from "../bundle/all.ts";
import { CONFIG_FILE } from "../config-file.ts";
import { CONTEXT, writeContext } from "../image/context.ts";

/** What stacks take from the rest of the project. */
export interface Assets {
  /** `senpu.config.yaml`: the lanes are what it declares. */
  readonly config: Config;
  /** What Fargate lanes run. */
  readonly image: () => ContainerImage;
}

/** Bundles the functions and the image's context, and reads the configuration. Throws {@link SenpuError} `config` for what is not right. */
export async function prepareAssets(): Promise<Assets> {
  await Promise.all([bundleAll(), writeContext()]);
  return { config: readConfig(CONFIG_FILE), image: () => ContainerImage.fromAsset(CONTEXT) };
}
