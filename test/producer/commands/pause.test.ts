import { join } from "node:path";
import { expect, test } from "vitest";
import * as cancel from "../../../producer/commands/cancel.ts";
import * as pause from "../../../producer/commands/pause.ts";
import * as resume from "../../../producer/commands/resume.ts";
import * as runs from "../../../producer/commands/runs.ts";
import * as status from "../../../producer/commands/status.ts";
import * as unpause from "../../../producer/commands/unpause.ts";
import { ownName } from "../../../producer/run/owner.ts";
import { openSqliteCoordination } from "../../../shared/coordination/sqlite-coordination.ts";
import type { Ledger } from "../../../shared/ledger/ledger.ts";
import { HEARTBEAT_DEAD_MS } from "../../../shared/ledger/ledger.ts";
import type { RunState } from "../../../shared/model/figures.ts";
import { makeFolder, runCommand } from "../../support/command-line.ts";
import { seedLedger, seedRun, succeed } from "../../support/seeded-ledger.ts";

const SOURCE = JSON.stringify({ path: "", shown: "plan", digest: "" });

/** A state folder with the run `r`: 3 calls, of which one has succeeded. */
async function makeRun(then: (ledger: Ledger) => Promise<unknown>): Promise<string[]> {
  const state = makeFolder();
  await seedLedger(state, async (ledger) => {
    await seedRun(ledger, { id: "r", source: SOURCE }, 3, [succeed("c1")]);
    await then(ledger);
  });
  return ["r", "--json", "--quiet", "--state", state];
}

const nothing = async (): Promise<void> => {};
const bring =
  (state: RunState) =>
  (ledger: Ledger): Promise<unknown> =>
    ledger.setState("r", state, "test", Date.now());

async function controlIn(words: readonly string[]): Promise<unknown> {
  const coordination = openSqliteCoordination(join(words.at(-1)!, "coordination.db"));
  try {
    return await coordination.control("r");
  } finally {
    await coordination.close();
  }
}

async function stateIn(words: readonly string[]): Promise<RunState> {
  let state: RunState | undefined;
  await seedLedger(words.at(-1)!, async (ledger) => {
    state = (await ledger.findRun("r"))?.state;
  });
  return state!;
}

test("a running run is paused in the ledger and for the workers, whether its process lives or not", async () => {
  const words = await makeRun((ledger) => ledger.beat("r", Date.now() - 2 * HEARTBEAT_DEAD_MS));
  expect((await runCommand(pause, words)).exitCode).toBe(0);
  expect(await stateIn(words)).toBe("paused");
  expect(await controlIn(words)).toEqual({ generation: 1, state: "paused" });
});

test("C3 a pause that died between the ledger and the workers is finished by another", async () => {
  const words = await makeRun(bring("paused"));
  expect((await runCommand(pause, words)).exitCode).toBe(0);
  expect(await controlIn(words)).toEqual({ generation: 1, state: "paused" });
});

test("what does not run cannot be paused, and what is left to do is named", async () => {
  const refused = async (state: RunState, text: string): Promise<void> => {
    const error: unknown = await runCommand(pause, await makeRun(bring(state))).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ exitCode: 2, message: text });
  };
  await refused("cancelled", "run r is cancelled: there is nothing to pause");
  const resume = "; senpu resume r goes on with it";
  await refused("interrupted", `run r is interrupted: there is nothing to pause${resume}`);
  await refused("stopped", `run r is stopped: there is nothing to pause${resume}`);
});

test("what is not paused cannot be unpaused", async () => {
  await expect(runCommand(unpause, await makeRun(nothing))).rejects.toMatchObject({
    exitCode: 2,
    message: "run r is running, not paused",
  });
  await expect(runCommand(unpause, await makeRun(bring("stopped")))).rejects.toThrow(
    "run r is stopped, not paused; senpu resume r goes on with it",
  );
});

test("a source that cannot be read any more is refused, and the run stays paused", async () => {
  const words = await makeRun(bring("paused"));
  const where = words.slice(0, -1);
  await seedLedger(words.at(-1)!, (ledger) => ledger.beat("r", 1));
  await expect(runCommand(unpause, [...where, words.at(-1)!])).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringContaining("cannot be read any more"),
  });
  expect(await stateIn(words)).toBe("paused");
});

test("`resume` of a paused run whose process lives names `unpause`", async () => {
  const words = await makeRun(async (ledger) => {
    await bring("paused")(ledger);
    await ledger.beat("r", Date.now(), ownName());
  });
  await expect(runCommand(resume, words)).rejects.toThrow("senpu unpause r lets it go on");
});

test("a tolerance that is none is refused", async () => {
  const words = await makeRun(bring("stopped"));
  await expect(runCommand(resume, [...words, "--tolerance", "20"])).rejects.toMatchObject({
    exitCode: 2,
    message: "--tolerance 20: a share from 0% to 100%, such as 20%, or off",
  });
});

test("a paused run is cancelled, for workers too, in the generation that it has", async () => {
  const words = await makeRun(async (ledger) => {
    const { state, generation } = (await ledger.findRun("r"))!;
    await ledger.restartRun("r", { state, generation }, "test", Date.now());
    await bring("paused")(ledger);
  });
  expect((await runCommand(cancel, words)).exitCode).toBe(0);
  expect(await stateIn(words)).toBe("cancelled");
  expect(await controlIn(words)).toEqual({ generation: 2, state: "cancelled" });
});

test("a paused run whose process died stays paused, in `runs` and `status`, and its time stands still", async () => {
  const words = await makeRun(async (ledger) => {
    const { createdAt } = (await ledger.findRun("r"))!;
    await ledger.setState("r", "paused", "senpu pause (process 7, user ann)", createdAt + 1_500);
    await ledger.beat("r", createdAt - 2 * HEARTBEAT_DEAD_MS);
  });
  const { output: list } = await runCommand(runs, words.slice(1));
  expect(JSON.parse(list.text)).toMatchObject({ state: "paused", elapsedMs: 1_500 });
  const { output } = await runCommand(status, [words[0]!, ...words.slice(2)]);
  expect(output.text).toContain("crm: paused after 1.5 s, 1 of 3 calls done");
  expect(output.text).toContain("Paused by senpu pause (process 7, user ann).");
  expect(output.text).toContain("npx senpu unpause r");
});

test("the history tells who did what, and how long each pause was; --json has it where it is asked for", async () => {
  const at = Date.now() - 100_000;
  const words = await makeRun(async (ledger) => {
    await ledger.setState("r", "paused", "senpu pause (process 7, user ann)", at);
    const from = { generation: 1, state: "paused" } as const;
    await ledger.restartRun("r", from, "senpu unpause (process 8, user ann)", at + 63_000);
  });
  const { output } = await runCommand(status, ["r", "--no-color", ...words.slice(2)]);
  expect(output.text).toMatch(/paused for 1 m 3 s {2}by senpu pause \(process 7, user ann\)\n/);
  expect(output.text).toMatch(/unpaused {12}by senpu unpause \(process 8, user ann\)\n/);

  const json = async (...more: string[]): Promise<{ history?: unknown }> =>
    JSON.parse((await runCommand(status, [...words, ...more])).output.text) as object;
  expect(await json()).not.toHaveProperty("history");
  expect((await json("--history")).history).toMatchObject([
    { what: "created" },
    { what: "paused", at: new Date(at).toISOString(), lastedMs: 63_000 },
    { what: "unpaused", by: "senpu unpause (process 8, user ann)" },
  ]);
});
