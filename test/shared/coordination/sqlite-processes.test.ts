import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openSqliteCoordination } from "../../../shared/coordination/sqlite-coordination.ts";
import { temporaryFolder } from "../broker/embedded.ts";
import { PROCESS_TASK as task } from "./process-task.ts";

/** So that all have started when they begin; one that is late only meets the others less often. */
const START_MS = 1000;

test("of processes that ask at once, one has each probe, and what each adds to a window is kept", async () => {
  const path = join(temporaryFolder(), "coordination.db");
  const coordination = openSqliteCoordination(path);
  onTestFinished(() => coordination.close());
  for (const origin of task.closed) {
    await coordination.refuse({
      lane: "crm",
      origin,
      startedAt: task.now - 100,
      effect: "closes",
      cause: "429",
      until: task.now,
      pauseMs: 10,
      maxPauseMs: 10,
      floor: 1,
      ceiling: 8,
      adapts: true,
      now: task.now - 50,
    });
  }
  const beginAt = String(Date.now() + START_MS);
  const probes = await Promise.all(
    ["a", "b", "c", "d"].map(async (worker) => {
      const child = fork(new URL("ask-in-process.ts", import.meta.url), [path, worker, beginAt], {
        execArgv: ["--disable-warning=ExperimentalWarning"],
      });
      const [given] = (await once(child, "message")) as [number];
      return given;
    }),
  );
  expect(probes.reduce((sum, given) => sum + given, 0)).toBe(task.closed.length);
  const open = (await coordination.destinations("crm")).find(({ state }) => state === "open");
  expect(open?.window).toBe(1 + 4 * task.successes);
});
