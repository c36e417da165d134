import { existsSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { attachBroker } from "../../../shared/state/held-broker.ts";
import { keepStill } from "../../../shared/state/keep-still.ts";
import { openStateFolder } from "../../../shared/state/state-folder.ts";
import { StateLock } from "../../../shared/state/state-lock.ts";
import { temporaryFolder } from "../broker/embedded.ts";

test("whoever wants the broker waits until its data is let go", async () => {
  const folder = openStateFolder(temporaryFolder());
  const stillness = keepStill(folder);
  let hasIt = false;
  const attached = attachBroker({ state: folder.path }).then((broker) => {
    onTestFinished(() => broker.close());
    hasIt = true;
    return broker;
  });
  // Longer than one turn of whoever waits.
  for (let turns = 0; turns < 3; turns++) await fetch("http://127.0.0.1:9").catch(() => {});
  expect(hasIt).toBe(false);
  expect(keepStill(folder)).toBeUndefined();
  stillness?.release();
  expect((await attached).holder).toBe(true);
});

test("beside a running broker nobody keeps it still, and its note stays", async () => {
  const folder = openStateFolder(temporaryFolder());
  const broker = await attachBroker({ state: folder.path });
  expect(keepStill(folder)).toBeUndefined();
  expect(existsSync(folder.brokerFile)).toBe(true);
  await broker.close();
  const stillness = keepStill(folder);
  stillness?.release();
  expect(existsSync(folder.brokerFile)).toBe(false);
});

test("to look whether a lock is held takes nothing from anybody, and makes no file", () => {
  const { lockFile } = openStateFolder(temporaryFolder());
  expect(StateLock.isHeld(lockFile)).toBe(false);
  expect(existsSync(lockFile)).toBe(false);
  const lock = new StateLock(lockFile);
  expect(lock.tryTake()).toBe(true);
  expect(StateLock.isHeld(lockFile)).toBe(true);
  expect(new StateLock(lockFile).tryTake()).toBe(false);
  lock.release();
  expect(StateLock.isHeld(lockFile)).toBe(false);
  expect(lock.tryTake()).toBe(true);
  lock.release();
});
