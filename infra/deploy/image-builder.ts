import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { environmentVariable } from "../../shared/environment.ts";

/** What the CDK builds images with, unless this variable names another that takes the same words: podman, finch. */
const PROGRAM_VARIABLE = "CDK_DOCKER";

/** The program that the CDK would build an image with and that is not here; undefined: it is. */
export function missingImageBuilder(): string | undefined {
  const program = environmentVariable(PROGRAM_VARIABLE) || "docker";
  const folders = program.includes("/")
    ? [""]
    : (environmentVariable("PATH") ?? "").split(delimiter);
  return folders.some((folder) => isProgram(join(folder, program))) ? undefined : program;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
