import { existsSync } from "node:fs";
import { join } from "node:path";
import { DATABASE_FILE } from "../../shared/broker/fauxqs-data.ts";
import { copyName } from "../../shared/sqlite-migration.ts";
import { measureFolder } from "../../shared/state/folder-sizes.ts";
import { formatBytes } from "../../shared/terminal/format.ts";
import { brokerVersion, findMissingColumns, layoutOf, ownLayout } from "./broker-layout.ts";
import { ok, problem } from "./finding.ts";
import type { Check, Finding } from "./finding.ts";
import { coordinationStore, isDamage, ledgerStore, lookAt, versionOf } from "./stores.ts";
import type { Store } from "./stores.ts";

const NAME = "files";

/** Of which version each file is, and how large each part of the folder. */
export const checkFiles: Check = async ({ folder }) => {
  if (!existsSync(folder.path)) return [];
  const sizes = measureFolder(folder);
  const findings: Finding[] = [];
  const told: string[] = [];
  for (const store of [ledgerStore(folder), coordinationStore(folder)]) {
    if (store === undefined || !existsSync(store.path)) continue;
    const version = readable(store.path);
    if (version !== undefined && version > store.schema.version) {
      findings.push(tooNew(store, version));
    }
    told.push(`${store.name} ${formatBytes(sizes[store.name])}${tellVersion(store, version)}`);
  }
  if (sizes.broker > 0) {
    told.push(`broker ${formatBytes(sizes.broker)} (fauxqs ${brokerVersion()})`);
    findings.push(...(await checkBrokerFile(join(folder.brokerData, DATABASE_FILE))));
  }
  for (const part of ["spool", "claims", "answers", "copies"] as const) {
    if (sizes[part] > 0) told.push(`${part} ${formatBytes(sizes[part])}`);
  }
  return [ok(NAME, told.length === 0 ? "none yet" : told.join(", ")), ...findings];
};

/** Undefined for a damaged one, of which another check tells. */
function readable(path: string): number | undefined {
  try {
    return versionOf(path);
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}

function tellVersion({ path, schema }: Store, version: number | undefined): string {
  if (version === undefined) return "";
  if (version === 0 || version >= schema.version) return ` (version ${version})`;
  const copy = copyName(path, version);
  return ` (version ${version}: becomes ${schema.version} when next written to, and is kept as ${copy})`;
}

function tooNew({ name, path, schema }: Store, version: number): Finding {
  return problem(
    name,
    `${path} is of version ${version}, and this senpu knows up to ${schema.version}`,
    "a newer senpu wrote it: update this one, or choose another --state",
  );
}

async function checkBrokerFile(path: string): Promise<Finding[]> {
  const own = await ownLayout();
  if (own === undefined || !existsSync(path)) return [];
  try {
    const missing = findMissingColumns(lookAt(path, layoutOf), own);
    if (missing.length === 0) return [];
    return [
      problem(
        "broker",
        `${path} was made by another fauxqs: this one looks for ${missing.join(", ")} in it`,
        "stop what runs here, then senpu doctor --repair carries its messages over, and keeps the file",
      ),
    ];
  } catch (error) {
    if (isDamage(error)) return [];
    throw error;
  }
}
