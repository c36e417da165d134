import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { expect, test } from "vitest";
import { EXIT, SenpuError } from "../../../shared/errors.ts";
import { openStateFolder } from "../../../shared/state/state-folder.ts";
import { temporaryFolder } from "../broker/embedded.ts";

function refusal(path: string): SenpuError {
  try {
    openStateFolder(path);
  } catch (error) {
    if (error instanceof SenpuError) return error;
    throw error;
  }
  throw new Error(`${path} was accepted`);
}

test("the folder is made, with all that lies above it", () => {
  const path = join(temporaryFolder(), "a", "b");
  const folder = openStateFolder(path);
  expect(existsSync(folder.brokerData)).toBe(true);
  expect(existsSync(folder.spool)).toBe(true);
  expect(readFileSync(join(path, "version"), "utf8")).toBe("1\n");
});

test("opening it again changes nothing", () => {
  const path = temporaryFolder();
  expect(openStateFolder(path)).toEqual(openStateFolder(path));
});

test("paths are absolute, whatever was given", () => {
  const path = temporaryFolder();
  expect(openStateFolder(relative(process.cwd(), path)).ledgerFile).toBe(join(path, "ledger.db"));
});

test("a file in its place is an error that says so, with exit code 3", () => {
  const path = join(temporaryFolder(), "file");
  writeFileSync(path, "");
  const error = refusal(path);
  expect(error.message).toBe(`${path} is a file; name a folder with --state`);
  expect(error.code).toBe("state");
  expect(error.exitCode).toBe(EXIT.unreachable);
});

test("a folder that cannot be made is an error that names it and what to do", () => {
  const path = join(temporaryFolder(), "file");
  writeFileSync(path, "");
  expect(refusal(join(path, "below")).message).toMatch(
    /below cannot be written \(.*\); name another with --state/,
  );
});

test("a read-only folder is an error", ({ skip }) => {
  if (!existsSync("/proc/self")) skip("needs a file system that nobody can write to");
  expect(refusal("/proc/senpu").message).toMatch(/cannot be written/);
});

test("a folder of a later layout is left alone", () => {
  const path = temporaryFolder();
  writeFileSync(join(path, "version"), "2\n");
  expect(refusal(path).message).toMatch(/has layout 2, this senpu knows 1/);
});
