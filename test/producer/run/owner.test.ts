import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { checkResumable } from "../../../producer/run/begin-run.ts";
import { hasLivingOwner, ownName, ownerPid } from "../../../producer/run/owner.ts";
import { HEARTBEAT_DEAD_MS } from "../../../shared/ledger/ledger.ts";
import type { RunRow } from "../../../shared/ledger/ledger.ts";
import type { RunState } from "../../../shared/model/figures.ts";

const NOW = 1_785_542_400_000;

/** A process of this machine that is gone. */
function deadOwner(): string {
  const { pid } = spawnSync(process.execPath, ["--version"]);
  return ownName().replace(/\d+$/, String(pid));
}

function row(state: RunState, owner: string | null, beatAt = NOW - 500): RunRow {
  return {
    id: "r",
    name: "crm",
    parent: null,
    createdAt: 0,
    source: "{}",
    settings: "{}",
    tolerance: null,
    state,
    generation: 1,
    endedAt: null,
    beatAt,
    owner,
    closedPlanned: null,
    planned: 0,
    succeeded: 0,
    failed: 0,
    forgiven: 0,
    cancelled: 0,
  };
}

test("an owner lives while it beats, and no longer than its process where that is known", () => {
  for (const owner of [null, ownName(), "another-machine/7"]) {
    expect(hasLivingOwner(row("running", owner), NOW)).toBe(true);
    expect(hasLivingOwner(row("running", owner, NOW - HEARTBEAT_DEAD_MS), NOW)).toBe(false);
  }
  expect(hasLivingOwner(row("running", deadOwner()), NOW)).toBe(false);
  expect([ownerPid(ownName()), ownerPid("another-machine/7"), ownerPid(null)]).toEqual([
    process.pid,
    undefined,
    undefined,
  ]);
});

test("a run whose owner is known to be dead can be taken up at once, whatever its heartbeat says", () => {
  for (const state of ["running", "paused"] as const) {
    expect(() => checkResumable(row(state, deadOwner()), NOW)).not.toThrow();
  }
});

test("a run whose owner lives is refused: with its process, with how long to wait, or with what lets it go on", () => {
  expect(() => checkResumable(row("running", ownName()), NOW)).toThrow(
    `run r gave a sign of life 0.5 s ago, so process ${process.pid} still conducts it; end that one first`,
  );
  expect(() => checkResumable(row("running", "another-machine/7"), NOW)).toThrow(
    "if that process is dead, try again in 10 s",
  );
  expect(() => checkResumable(row("paused", ownName()), NOW)).toThrow(
    "run r is paused, and the process that conducts it lives (a sign of life 0.5 s ago); senpu unpause r lets it go on",
  );
});
