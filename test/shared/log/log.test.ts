import { expect, onTestFinished, test } from "vitest";
import { log, setLog } from "../../../shared/log/log.ts";
import { startLog, toText } from "../../../shared/log/start-log.ts";

test("a level that is off is not there to be written to, so that no fields are made for it", () => {
  onTestFinished(() => setLog(undefined, () => {}));
  const lines: unknown[] = [];
  setLog("warn", (...line) => lines.push(line));
  const expensive = (): never => {
    throw new Error("made for nobody");
  };
  log.debug?.(expensive(), "not told");
  log.info?.(expensive(), "not told");
  log.warn?.({ run: "r" }, "told");
  log.error?.({}, "told");
  expect(lines).toEqual([
    ["warn", { run: "r" }, "told"],
    ["error", {}, "told"],
  ]);
  setLog(undefined, () => {});
  expect(log.error).toBeUndefined();
});

test("it is off unless asked for, and an unknown level is told", async () => {
  expect(await startLog({ level: undefined, format: undefined })).toBe(false);
  expect(await startLog({ level: "off", format: "json" })).toBe(false);
  await expect(startLog({ level: "loud", format: undefined })).rejects.toThrow(
    "--log-level (or SENPU_LOG_LEVEL) loud: one of off, error, warn, info, debug",
  );
  await expect(startLog({ level: "info", format: "xml" })).rejects.toThrow("one of json, text");
});

test("as text a line is for eyes: time, level, what happened, and fields that can be told apart", () => {
  const fields = { run: "r", call: "a 1", error: 'is "x"', attempts: 2 };
  const line = {
    level: "warn",
    time: "2026-11-28T02:03:04.567Z",
    pid: 1,
    ...fields,
    msg: "call failed",
  };
  expect(toText(JSON.stringify(line))).toBe(
    '02:03:04.567 warn  call failed  run=r call="a 1" error="is \\"x\\"" attempts=2\n',
  );
});
