import { environmentVariable } from "../environment.ts";
import { SenpuError } from "../errors.ts";
import { openStateFolder } from "../state/state-folder.ts";
import type { StateFolder } from "../state/state-folder.ts";

/** A function's state folder: what `SENPU_STATE` names. Throws SenpuError `config` where it names none. */
export function stateFolder(): StateFolder {
  const path = environmentVariable("SENPU_STATE");
  if (path !== undefined && path !== "") return openStateFolder(path);
  throw new SenpuError(
    "config",
    "SENPU_STATE is not set: it names the state folder that holds what no variable places elsewhere, the ledger for one",
  );
}
