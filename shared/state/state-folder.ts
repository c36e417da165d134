import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { SenpuError, messageOf } from "../errors.ts";

/** Where everything that senpu keeps on this machine lies. Paths are absolute; the folders exist, the files may not. */
export interface StateFolder {
  readonly path: string;
  /** Held by the process that runs the embedded broker. Nobody else may open it: closing it would drop the lock. */
  readonly lockFile: string;
  /** Which endpoint, and whose. */
  readonly brokerFile: string;
  readonly brokerData: string;
  readonly ledgerFile: string;
  readonly coordinationFile: string;
  /** Calls too large for a message; made when first needed. */
  readonly claims: string;
  /** Answers that are saved, until their run is forgotten; made when first needed. */
  readonly answers: string;
  /** Copies of standard input, so that a run can be resumed. */
  readonly spool: string;
}

/** Of the folder's layout; a newer senpu may raise it. */
export const STATE_VERSION = 1;

/** Where things lie, or would; looks at nothing and makes nothing. */
export function stateFolderAt(path: string): StateFolder {
  const root = resolve(path);
  return {
    path: root,
    lockFile: join(root, "broker.lock"),
    brokerFile: join(root, "broker.json"),
    brokerData: join(root, "broker"),
    ledgerFile: join(root, "ledger.db"),
    coordinationFile: join(root, "coordination.db"),
    claims: join(root, "claims"),
    answers: join(root, "answers"),
    spool: join(root, "spool"),
  };
}

/** Opens the folder, making it where it is missing. Throws {@link SenpuError} `state` when it cannot be used. */
export function openStateFolder(path: string): StateFolder {
  const folder = stateFolderAt(path);
  const root = folder.path;
  if (statSync(root, { throwIfNoEntry: false })?.isDirectory() === false) {
    throw new SenpuError("state", `${root} is a file; name a folder with --state`);
  }
  try {
    makeFolder(folder.brokerData);
    makeFolder(folder.spool);
    accessSync(root, constants.R_OK | constants.W_OK | constants.X_OK);
    checkVersion(root);
  } catch (cause) {
    if (cause instanceof SenpuError) throw cause;
    throw new SenpuError(
      "state",
      `the state folder ${root} cannot be written (${messageOf(cause)}); name another with --state`,
      { cause },
    );
  }
  return folder;
}

/** With what lies above it. Node 24's own `recursive` never returns where the file system says ENOENT, as /proc does. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  if (dirname(path) !== path) makeFolder(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    // Another process was faster.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/** Throws for a layout that this senpu does not know; a folder without one gets this one. */
function checkVersion(root: string): void {
  const file = join(root, "version");
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    writeFileSync(file, `${STATE_VERSION}\n`);
    return;
  }
  const version = Number(text);
  // Another process may have made the file and not yet written it.
  if (text === "" || version === STATE_VERSION) return;
  throw new SenpuError(
    "state",
    `${root} has layout ${text.trim()}, this senpu knows ${STATE_VERSION}; use the senpu that made it, or another --state`,
  );
}
