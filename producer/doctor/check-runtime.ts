import { createRequire } from "node:module";
import { environmentVariable } from "../../shared/environment.ts";
import { ok, warning } from "./finding.ts";
import type { Check } from "./finding.ts";

const NAME = "runtime";
/** npm brings a Node for these. */
const PACKAGED: ReadonlySet<string> = new Set(["linux-x64", "linux-arm64", "win32-x64"]);

/** Which Node runs this, where it comes from, and with which flags. */
export const checkRuntime: Check = () => {
  const { platform, arch, versions, execArgv } = process;
  const flags = [...execArgv, environmentVariable("NODE_OPTIONS") ?? ""].filter(Boolean);
  const found = [
    `Node ${versions.node} (${whence()})`,
    `${platform} ${arch}`,
    `SQLite ${versions["sqlite"] ?? "unknown"}`,
    flags.length === 0 ? "no flags" : `flags ${flags.join(" ")}`,
  ].join(", ");
  const packageName = `node-${platform === "win32" ? "win" : platform}-${arch}`;
  if (PACKAGED.has(`${platform}-${arch}`) && !isInstalled(packageName)) {
    return [
      warning(
        NAME,
        `${found}; the package ${packageName} is not installed`,
        "npm ci, without --omit=optional, brings the Node that senpu is tested with",
      ),
    ];
  }
  return [ok(NAME, found)];
};

function whence(): string {
  const path = process.execPath.replaceAll("\\", "/");
  return /\/node_modules\/node-/.test(path) ? "from npm" : path;
}

function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(`${name}/package.json`);
    return true;
  } catch {
    return false;
  }
}
