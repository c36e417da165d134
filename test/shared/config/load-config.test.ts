import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { CONFIG_VARIABLE, findConfig, loadConfig } from "../../../shared/config/load-config.ts";
import { folderWith } from "./config-files.ts";

const NAME = "senpu.config.yaml";

test("it is found in the folder, or above it", () => {
  const folder = folderWith({ [NAME]: "lanes: {}", ".git/HEAD": "", "jobs/nightly/x": "" });
  expect(findConfig(folder)).toBe(join(folder, NAME));
  expect(findConfig(join(folder, "jobs/nightly"))).toBe(join(folder, NAME));
});

test("the nearest holds", () => {
  const folder = folderWith({ [NAME]: "", ".git/HEAD": "", [`jobs/${NAME}`]: "" });
  expect(findConfig(join(folder, "jobs"))).toBe(join(folder, "jobs", NAME));
});

test("above the repository's root it is somebody else's", () => {
  const folder = folderWith({ [NAME]: "", "repository/.git/HEAD": "", "repository/jobs/x": "" });
  expect(findConfig(join(folder, "repository/jobs"))).toBeUndefined();
});

test("outside of a repository only the folder itself counts", () => {
  const folder = folderWith({ [NAME]: "", "jobs/x": "" });
  expect(findConfig(folder)).toBe(join(folder, NAME));
  expect(findConfig(join(folder, "jobs"))).toBeUndefined();
});

function withVariable(value: string): void {
  vi.stubEnv(CONFIG_VARIABLE, value);
  onTestFinished(() => void vi.unstubAllEnvs());
}

test("the variable names another file, or none", async () => {
  const folder = folderWith({ "other.yaml": "lanes: { a: { match: https://a/** } }" });
  withVariable(join(folder, "other.yaml"));
  expect((await loadConfig())?.lanes.map(({ name }) => name)).toEqual(["a", "default"]);
  withVariable("none");
  expect(await loadConfig()).toBeUndefined();
});

test("a file that the variable names and that is not there is an error, not the same as none", async () => {
  withVariable("/nowhere/senpu.config.yaml");
  await expect(loadConfig()).rejects.toThrow(/nowhere.*: there is no such file/);
});
