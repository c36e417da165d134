import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleApp } from "./bundle-app.ts";
import type { App } from "./bundle-app.ts";

const DOCKERFILE = fileURLToPath(new URL("Dockerfile", import.meta.url));

/** What an image is built from: `docker build` takes the folder as it is, and so does CDK's `ContainerImage.fromAsset`. */
export const CONTEXT = fileURLToPath(new URL("../../dist/image", import.meta.url));

/** Writes the build context anew. Throws {@link SenpuError} `config` as {@link bundleApp} does. */
export async function writeContext(folder: string = CONTEXT): Promise<App> {
  rmSync(folder, { recursive: true, force: true });
  const app = await bundleApp(join(folder, "app"));
  copyFileSync(DOCKERFILE, join(folder, "Dockerfile"));
  // No tool copies a folder that is empty in all ways: some skip it.
  mkdirSync(join(folder, "state"));
  writeFileSync(join(folder, "state", ".keep"), "");
  return app;
}
