import { openCoordination } from "../../shared/coordination/open.ts";
import { messageOf } from "../../shared/errors.ts";
import type { SqliteFile } from "../../shared/sqlite-file.ts";
import { sizeOf } from "../../shared/state/folder-sizes.ts";
import type { StateFolder } from "../../shared/state/state-folder.ts";
import { formatClock, formatQuantity } from "../../shared/terminal/format.ts";
import { nameSome, ok, problem, warning } from "./finding.ts";
import type { Check, Finding } from "./finding.ts";
import { coordinationStore, findDamage, ledgerStore, readStore } from "./stores.ts";

const NAME = "coordination";

/** Limits, slots and closed destinations: is the store sound, and does it hold what nobody needs any more? */
export const checkCoordination: Check = async ({ folder, now, thorough }) => {
  const store = coordinationStore(folder);
  if (store === undefined) return [await checkElsewhere()];
  if (sizeOf(store.path) === 0) return [ok(NAME, "none yet")];
  const [damage] = findDamage(store.path, thorough);
  if (damage !== undefined) {
    return [
      problem(
        NAME,
        `${store.path} is damaged: ${damage}`,
        "it holds no truth about a call: stop what runs here, then senpu doctor --repair makes it anew, and keeps this one",
      ),
    ];
  }
  const claimants = claimsOfEnded(folder);
  return (
    readStore(store, (file) => [
      ok(NAME, describe(file, now)),
      ...closedDestinations(file, now),
      ...(claimants.length === 0
        ? []
        : [
            warning(
              NAME,
              `${nameSome(claimants)} ended, or unknown, and still in the limits of their lanes`,
              "senpu doctor --repair releases them, and so does the next senpu recorder",
            ),
          ]),
    ]) ?? []
  );
};

async function checkElsewhere(): Promise<Finding> {
  try {
    const coordination = await openCoordination(() => "");
    try {
      const lanes = await coordination.lanes();
      return ok(NAME, `the DynamoDB table answers, with ${formatQuantity(lanes.length, "lane")}`);
    } finally {
      await coordination.close();
    }
  } catch (error) {
    const advice = "look at SENPU_COORDINATION_TABLE, the region and the credentials";
    return { ...problem(NAME, messageOf(error), advice), unreachable: true };
  }
}

function describe(file: SqliteFile, now: number): string {
  const count = (sql: string, ...values: number[]): number =>
    Number(file.prepare(`SELECT count(*) AS n FROM ${sql}`).get(...values)?.["n"]);
  const leases = count("leases WHERE expires_at > ?", now);
  const expired = count("leases WHERE expires_at <= ?", now);
  return [
    "sound",
    formatQuantity(count("controls"), "run"),
    `${formatQuantity(leases, "lease")} of slots${expired > 0 ? ` and ${expired} expired` : ""}`,
    formatQuantity(count("checkpoints"), "checkpoint"),
  ].join(", ");
}

function closedDestinations(file: SqliteFile, now: number): Finding[] {
  const closed = file
    .prepare("SELECT origin, until FROM destinations WHERE state = 'closed' AND until > ?")
    .all(now)
    .map((row) => `${String(row["origin"])} until ${formatClock(Number(row["until"]))}`);
  if (closed.length === 0) return [];
  return [
    warning(NAME, `closed: ${nameSome(closed)}`, "calls there wait until then, as their API asked"),
  ];
}

/** Runs that claim lanes and have ended, or that the ledger does not know; none where there is no ledger file. */
export function claimsOfEnded(folder: StateFolder): string[] {
  const over = readStore(ledgerStore(folder), (file) =>
    file
      .prepare("SELECT id FROM runs WHERE state NOT IN ('settled', 'cancelled')")
      .all()
      .map((row) => String(row["id"])),
  );
  if (over === undefined) return [];
  const live = new Set(over);
  const claimants = readStore(coordinationStore(folder), (file) =>
    file
      .prepare("SELECT DISTINCT run FROM claims ORDER BY run")
      .all()
      .map((row) => String(row["run"])),
  );
  return (claimants ?? []).filter((run) => !live.has(run));
}
