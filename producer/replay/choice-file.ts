import { createHash } from "node:crypto";
import { open, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Call } from "../../shared/model/call.ts";
import { completePolicy } from "../../shared/model/written-policy.ts";
import type { PlanEntry, PlanPolicy } from "../plan/plan.ts";
import { readLines } from "../plan/lines.ts";
import { syncFolder } from "../../shared/sync-folder.ts";

/**
 * What a replay has chosen, on disk before anything is stored or published: JSON Lines in
 * `<state>/spool/<run>.jsonl`, policies before the calls that have them.
 */

/** Where a letter lies, and the receive of it that may delete it. */
export interface LetterPlace {
  readonly queue: string;
  readonly receipt: string;
}

/** A call to be made again, and all its letters. */
export interface ChosenCall {
  /** As it is published: with the id it has in the replay. */
  readonly call: Call;
  readonly lane: string;
  readonly policy: PlanPolicy;
  /** The run that it failed in, and its id there. */
  readonly from: { readonly run: string; readonly id: string };
  readonly letters: readonly LetterPlace[];
}

type Line =
  | { readonly policy: PlanPolicy }
  | (Omit<ChosenCall, "policy"> & { /** Which of the policies so far. */ readonly by: number });

/** Lines that are written at once. */
const LINES_AT_ONCE = 500;

/** Returns the file's path and its digest; both are on disk when it resolves. One that is there is replaced. */
export async function writeChoice(
  spoolDir: string,
  run: string,
  chosen: readonly ChosenCall[],
): Promise<{ path: string; digest: string }> {
  const path = join(spoolDir, `${run}.jsonl`);
  const partial = `${path}.${process.pid}.partial`;
  const digest = createHash("sha256");
  await mkdir(spoolDir, { recursive: true });
  try {
    const file = await open(partial, "w", 0o600);
    try {
      for (const text of encode(chosen)) {
        digest.update(text);
        await file.write(text);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
    await syncFolder(spoolDir);
  } finally {
    await rm(partial, { force: true });
  }
  return { path, digest: digest.digest("hex") };
}

function* encode(chosen: readonly ChosenCall[]): Generator<string> {
  const policies = new Map<string, number>();
  let lines: string[] = [];
  for (const { policy, ...rest } of chosen) {
    const text = JSON.stringify({ policy } satisfies Line);
    let by = policies.get(text);
    if (by === undefined) {
      policies.set(text, (by = policies.size));
      lines.push(text);
    }
    lines.push(JSON.stringify({ ...rest, by } satisfies Line));
    if (lines.length < LINES_AT_ONCE) continue;
    yield lines.map((line) => `${line}\n`).join("");
    lines = [];
  }
  yield lines.map((line) => `${line}\n`).join("");
}

/** In the order in which they were chosen, in batches. Calls of one policy share its object. */
export async function* readChoice(path: string): AsyncGenerator<readonly ChosenCall[]> {
  const policies: PlanPolicy[] = [];
  for await (const lines of readLines({ path })) {
    const batch: ChosenCall[] = [];
    for (const { text } of lines) {
      const line = JSON.parse(text) as Line;
      if (!("by" in line)) {
        policies.push(completePolicy(line.policy));
        continue;
      }
      const { by, ...rest } = line;
      batch.push({ ...rest, policy: policies[by]! });
    }
    if (batch.length > 0) yield batch;
  }
}

/** The same as a plan's entries. */
export async function* readChoiceEntries(path: string): AsyncGenerator<readonly PlanEntry[]> {
  for await (const batch of readChoice(path)) {
    yield batch.map(({ call, lane, policy }) => ({ call, lane, policy }));
  }
}
