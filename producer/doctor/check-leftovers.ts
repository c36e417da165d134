import { existsSync } from "node:fs";
import { basename } from "node:path";
import { formatBytes, formatQuantity } from "../../shared/terminal/format.ts";
import { nameSome, ok, warning } from "./finding.ts";
import type { Check } from "./finding.ts";
import { findLeftovers } from "./leftovers.ts";
import type { Leftover } from "./leftovers.ts";

const NAME = "leftovers";

/** What dead processes and runs that are over have left. */
export const checkLeftovers: Check = ({ folder }) => {
  if (!existsSync(folder.path)) return [];
  const { rubbish, old } = findLeftovers(folder);
  const kept =
    old.length === 0 ? "none" : `${tell(old)} of runs that are over or forgotten, for senpu prune`;
  if (rubbish.length === 0) return [ok(NAME, kept)];
  return [
    warning(
      NAME,
      `${tell(rubbish)} of dead processes: ${nameSome(rubbish.map(({ path }) => basename(path)))}`,
      "senpu doctor --repair removes them",
    ),
    ...(old.length === 0 ? [] : [ok(NAME, kept)]),
  ];
};

function tell(files: readonly Leftover[]): string {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return `${formatQuantity(files.length, "file")} (${formatBytes(bytes)})`;
}
