import { expect, test } from "vitest";
import { runCommand } from "../../../consumer/record/run-command.ts";
import type { SettledEvent } from "../../../shared/model/settled-event.ts";

const event = { run: "r", id: "r/settled", state: "settled" } as SettledEvent;
const { signal } = new AbortController();
const STUBBORN = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)";

test("a command that does not end is ended, gently and then not", async () => {
  const command = [process.execPath, "-e", "setInterval(() => {}, 1000)"];
  await expect(runCommand({ command, event, state: "/", signal, limitMs: 500 })).rejects.toThrow(
    "it was ended after 0.5 s",
  );
  const stubborn = [process.execPath, "-e", STUBBORN];
  await expect(
    runCommand({ command: stubborn, event, state: "/", signal, limitMs: 1_000 }),
  ).rejects.toThrow("it was ended after 1 s");
});

test("a command that reads nothing of a large input is no failure", async () => {
  const large = { ...event, name: "x".repeat(1_000_000) };
  await runCommand({ command: [process.execPath, "-e", "0"], event: large, state: "/", signal });
});

test("an abort ends it before its time", async () => {
  const stop = new AbortController();
  const command = [process.execPath, "-e", "setInterval(() => {}, 1000)"];
  const run = runCommand({ command, event, state: "/", signal: stop.signal });
  stop.abort();
  await expect(run).rejects.toThrow("it ended by SIGTERM");
});
