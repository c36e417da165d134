import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Config, LaneConfig } from "../../../shared/config/config.ts";
import { readConfig } from "../../../shared/config/read-config.ts";
import { makeFolder } from "../../support/command-line.ts";

/** A folder with these files, gone when the test has ended. */
export function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = makeFolder();
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, content);
  }
  return folder;
}

/** The configuration of this text; for files' beginnings, too. */
export function configOf(text: string): Config {
  const folder = mkdtempSync(join(tmpdir(), "senpu-config-"));
  try {
    const path = join(folder, "senpu.config.yaml");
    writeFileSync(path, text);
    return readConfig(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The lane of this name, of a configuration of this text. */
export function laneOf(text: string, name: string): LaneConfig {
  const found = configOf(text).lanes.find((lane) => lane.name === name);
  if (found === undefined) throw new Error(`no lane ${name}`);
  return found;
}
