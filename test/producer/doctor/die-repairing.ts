import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

/**
 * A process that repairs the state folder named by its first argument, and dies before or after a file that it made anew
 * takes the old one's place.
 */
const [, , state = "", when = ""] = process.argv;

const { renameSync } = fs;
fs.renameSync = (from, to) => {
  const isPlace = String(from).endsWith(".db.partial");
  if (isPlace && when === "before") process.kill(process.pid, "SIGKILL");
  renameSync(from, to);
  if (isPlace && when === "after") process.kill(process.pid, "SIGKILL");
};
syncBuiltinESMExports();

const { repair } = await import("../../../producer/doctor/repair.ts");
const { stateFolderAt } = await import("../../../shared/state/state-folder.ts");
const examination = {
  folder: stateFolderAt(state),
  endpointUrl: undefined,
  now: Date.now(),
  thorough: true,
  onSlow: () => {},
};
for await (const _ of repair(examination)) continue;
