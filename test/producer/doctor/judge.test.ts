import { expect, test } from "vitest";
import { judgeClock } from "../../../producer/doctor/check-clock.ts";
import { judgeDisk } from "../../../producer/doctor/check-disk.ts";
import type { DiskFigures } from "../../../producer/doctor/check-disk.ts";
import { judgeHandles } from "../../../producer/doctor/check-handles.ts";
import { judgeMemory } from "../../../producer/doctor/check-memory.ts";
import { fileSystemOf } from "../../../producer/doctor/file-system.ts";

const GB = 1_000_000_000;
const DISK: DiskFigures = {
  freeBytes: 50 * GB,
  totalBytes: 100 * GB,
  stateBytes: GB,
  freeInodes: 1_000_000,
};

test.each([
  [{}, "ok", "50 GB free (50 %), and the state takes 1 GB"],
  [{ freeBytes: 50_000_000 }, "problem", "50 MB free (<0.1 %)"],
  [{ freeInodes: 10 }, "problem", "10 files can be made"],
  [{ freeInodes: Infinity }, "ok", "50 GB free"],
  [{ stateBytes: 60 * GB }, "warning", "the state takes 60 GB"],
  [{ freeBytes: GB / 2, stateBytes: 0 }, "warning", "500 MB free"],
] as const)("a disk with %j is %s", (change, state, words) => {
  const finding = judgeDisk({ ...DISK, ...change });
  expect(finding.state).toBe(state);
  expect(finding.found).toContain(words);
});

test("too few open files for what the lanes have in flight is a warning that says how many", () => {
  expect(judgeHandles(1_024, 64).state).toBe("ok");
  expect(judgeHandles(undefined, 64).state).toBe("ok");
  const finding = judgeHandles(256, 500);
  expect(finding).toMatchObject({ state: "warning" });
  expect(finding.advice).toMatch(/^ulimit -n 600 before/);
});

test("little memory is a warning", () => {
  expect(judgeMemory(2 * GB, 4 * GB).state).toBe("ok");
  expect(judgeMemory(GB / 10, GB).state).toBe("warning");
});

test("a clock that runs behind what was written, or has just jumped, is a warning", () => {
  const now = Date.parse("2026-11-24T12:00:00Z");
  expect(judgeClock(now, now + 2_000, 3).state).toBe("ok");
  expect(judgeClock(now, now + 3_600_000, 0).found).toMatch(/written 1 h later than that/);
  expect(judgeClock(now, 0, -90_000).found).toMatch(/it was just set by 1 m 30 s/);
});

test("file systems that hold no locks between machines are known, on Linux", () => {
  expect(fileSystemOf(0x6969, "linux")).toEqual({ name: "NFS", trouble: "network" });
  // As a signed number, which it is on some systems.
  expect(fileSystemOf(0xff53_4d42 | 0, "linux")).toMatchObject({ name: "CIFS" });
  expect(fileSystemOf(0xef53, "linux")).toEqual({ name: "ext4" });
  expect(fileSystemOf(0x6969, "darwin")).toBeUndefined();
});
