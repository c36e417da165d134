import { messageOf } from "../../shared/errors.ts";
import { POSITIONS_PER_RUN } from "../../shared/ledger/sqlite-schema.ts";
import { openLedger } from "../../shared/ledger/open.ts";
import type { SqliteFile } from "../../shared/sqlite-file.ts";
import { sizeOf } from "../../shared/state/folder-sizes.ts";
import { formatBytes, formatQuantity } from "../../shared/terminal/format.ts";
import { ok, problem, warning } from "./finding.ts";
import type { Check, Finding } from "./finding.ts";
import { SLOW_BYTES, findDamage, ledgerStore, readStore } from "./stores.ts";

const NAME = "ledger";

/** Is the file sound, and does everything in it belong to a run? */
export const checkLedger: Check = async ({ folder, thorough, onSlow }) => {
  const store = ledgerStore(folder);
  if (store === undefined) return [await checkElsewhere()];
  const bytes = sizeOf(store.path);
  if (bytes === 0) return [ok(NAME, "none yet")];
  if (bytes > SLOW_BYTES) onSlow(`looking through the ledger's ${formatBytes(bytes)}`);
  const damages = findDamage(store.path, thorough);
  if (damages.length > 0) {
    return [
      problem(
        NAME,
        `${store.path} is damaged: ${damages[0]}`,
        "stop what runs here, then senpu doctor --repair keeps the file and saves the rows that can be read",
      ),
    ];
  }
  const how = thorough ? "sound, every index entry looked at" : "sound";
  return readStore(store, (file) => checkOrphans(file, how)) ?? [];
};

async function checkElsewhere(): Promise<Finding> {
  try {
    const ledger = await openLedger(() => "");
    try {
      await ledger.listRuns(1);
      return ok(NAME, "the one that the environment names answers");
    } finally {
      await ledger.close();
    }
  } catch (error) {
    const advice = "look at SENPU_LEDGER_URL or SENPU_LEDGER_FUNCTION, and what it names";
    return { ...problem(NAME, messageOf(error), advice), unreachable: true };
  }
}

function checkOrphans(file: SqliteFile, how: string): Finding[] {
  const keys = new Set(
    file
      .prepare("SELECT key FROM runs UNION SELECT key FROM forgotten")
      .all()
      .map((row) => Number(row["key"])),
  );
  const strays = [...keysWithCalls(file)].filter((key) => !keys.has(key)).length;
  const left = Number(file.prepare("SELECT count(*) AS n FROM forgotten").get()?.["n"]);
  const counted = file.prepare("SELECT count(*) AS runs, sum(recorded) AS calls FROM runs").get();
  const [runs, calls] = [Number(counted?.["runs"]), Number(counted?.["calls"] ?? 0)];
  return [
    ok(NAME, `${how}, ${formatQuantity(runs, "run")}, ${formatQuantity(calls, "call")}`),
    ...(strays === 0
      ? []
      : [
          problem(
            NAME,
            `calls of ${formatQuantity(strays, "run")} that it does not know`,
            "senpu doctor --repair keeps a copy, and removes them",
          ),
        ]),
    ...(left === 0
      ? []
      : [
          warning(
            NAME,
            `calls of ${formatQuantity(left, "run")} that a prune which died has left`,
            "senpu prune goes on with it",
          ),
        ]),
  ];
}

/** From one run's rows to the next's, without reading those between. */
export function* keysWithCalls(file: SqliteFile): Generator<number> {
  const next = file.prepare(
    "SELECT position FROM calls WHERE position >= ? ORDER BY position LIMIT 1",
  );
  for (let from = 0; ;) {
    const position = next.get(from)?.["position"];
    if (position === undefined) return;
    const key = Math.floor(Number(position) / POSITIONS_PER_RUN);
    yield key;
    from = (key + 1) * POSITIONS_PER_RUN;
  }
}
