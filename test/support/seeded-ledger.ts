import type { Ledger, NewRun } from "../../shared/ledger/ledger.ts";
import { openSqliteLedger } from "../../shared/ledger/sqlite-ledger.ts";
import type { Outcome } from "../../shared/model/outcome.ts";
import { openStateFolder } from "../../shared/state/state-folder.ts";

/** Fills the ledger of a state folder, and closes it. */
export async function seedLedger(
  state: string,
  seed: (ledger: Ledger) => Promise<void>,
): Promise<void> {
  const ledger = openSqliteLedger(openStateFolder(state).ledgerFile);
  try {
    await seed(ledger);
  } finally {
    await ledger.close();
  }
}

/** A run of so many calls to `https://api.example.com/items/<n>`, of which `outcomes` have ended. */
export async function seedRun(
  ledger: Ledger,
  run: Partial<NewRun> & { readonly id: string },
  planned: number,
  outcomes: readonly Outcome[] = [],
): Promise<void> {
  const createdAt = run.createdAt ?? Date.now();
  await ledger.createRun({
    name: "crm",
    parent: null,
    createdAt,
    source: "{}",
    settings: "{}",
    tolerance: null,
    ...run,
  });
  const calls = Array.from({ length: planned }, (_, index) => ({
    id: `c${index + 1}`,
    lane: "crm",
    method: "GET",
    url: `https://api.example.com/items/${index + 1}`,
  }));
  const at = createdAt + 1_000;
  await ledger.record([{ kind: "planned", run: run.id, calls }], at);
  await ledger.record(
    [
      { kind: "outcomes", run: run.id, lane: "crm", worker: "w1", outcomes },
      { kind: "closed", run: run.id, generation: 1, planned },
    ],
    at,
  );
}

export function succeed(id: string): Outcome {
  return {
    id,
    state: "succeeded",
    status: 200,
    attempts: 1,
    startedAt: 1_000,
    settledAt: 1_040,
    latencyMs: 40,
  };
}

export function fail(id: string, status = 404): Outcome {
  const base = {
    id,
    state: "failed",
    status,
    startedAt: 1_000,
    settledAt: 1_040,
    latencyMs: 40,
  } as const;
  return status < 500
    ? { ...base, reason: "rejected", attempts: 1, error: `${status} no such item` }
    : { ...base, reason: "exhausted", attempts: 5, error: `${status} try later` };
}
