import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { environmentVariable } from "../environment.ts";
import type { Config } from "./config.ts";

/** Names the file; `none`: there is no configuration, whatever lies about. */
export const CONFIG_VARIABLE = "SENPU_CONFIG";

const FILE_NAME = "senpu.config.yaml";

/**
 * The configuration that holds here; undefined: there is none. The file that {@link CONFIG_VARIABLE} names, else the one
 * that `findConfig` finds from the working directory. Its reader is loaded only where there is one.
 * Throws SenpuError `config` for a file that is not right.
 */
export async function loadConfig(): Promise<Config | undefined> {
  const named = environmentVariable(CONFIG_VARIABLE);
  if (named === "none") return undefined;
  const path = named ? resolve(named) : findConfig(process.cwd());
  if (path === undefined) return undefined;
  const { readConfig } = await import("./read-config.ts");
  return readConfig(path);
}

/** The nearest file in a folder, or above it within its repository; outside of any, only in the folder itself. */
export function findConfig(folder: string): string | undefined {
  const inFolder = (one: string): string | undefined => {
    const path = join(one, FILE_NAME);
    return existsSync(path) ? path : undefined;
  };
  let nearest: string | undefined;
  for (let one = resolve(folder); ; one = dirname(one)) {
    nearest ??= inFolder(one);
    if (existsSync(join(one, ".git"))) return nearest;
    if (dirname(one) === one) return inFolder(resolve(folder));
  }
}
