import { accessSync, constants, readFileSync, statSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../../shared/errors.ts";
import { STATE_VERSION } from "../../shared/state/state-folder.ts";
import { fileSystemOf } from "./file-system.ts";
import { ok, problem, warning } from "./finding.ts";
import type { Check } from "./finding.ts";

const NAME = "folder";

/** Is the state folder one that several processes can work in? */
export const checkFolder: Check = ({ folder: { path } }) => {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return [ok(NAME, `${path} is not there yet: the first run makes it`)];
  if (!found.isDirectory()) {
    return [problem(NAME, `${path} is a file`, "name a folder with --state")];
  }
  try {
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    return [
      problem(
        NAME,
        `${path} cannot be written (${messageOf(error)})`,
        `it belongs to user ${found.uid}: run senpu as that user, or name another folder with --state`,
      ),
    ];
  }
  const layout = readLayout(path);
  if (layout !== undefined && layout !== String(STATE_VERSION)) {
    return [
      problem(
        NAME,
        `${path} has layout ${layout}, and this senpu knows ${STATE_VERSION}`,
        "use the senpu that made it, or another --state",
      ),
    ];
  }
  const fileSystem = fileSystemOf(statfsSync(path).type, process.platform);
  const where = `${path}, writable${fileSystem === undefined ? "" : `, on ${fileSystem.name}`}`;
  if (fileSystem?.trouble === "network") {
    return [
      warning(
        NAME,
        where,
        `${fileSystem.name} may not hold locks between processes, on which all files here rest: use a folder on a disk of this machine`,
      ),
    ];
  }
  if (fileSystem?.trouble === "memory") {
    return [
      warning(
        NAME,
        where,
        "what is here is gone after a restart: use a folder on a disk to keep it",
      ),
    ];
  }
  const user = process.getuid?.();
  if (user !== undefined && user !== found.uid) {
    return [
      warning(
        NAME,
        `${where}, of user ${found.uid}, and this is user ${user}`,
        "what this user makes there, the owner may be unable to write: run senpu as one user",
      ),
    ];
  }
  return [ok(NAME, where)];
};

/** Undefined where it stands nowhere. */
function readLayout(path: string): string | undefined {
  try {
    return readFileSync(join(path, "version"), "utf8").trim() || undefined;
  } catch {
    return undefined;
  }
}
