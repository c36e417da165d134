import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { readCommonOptions } from "../../shared/common-options.ts";
import type { EnvironmentRules } from "../../shared/common-options.ts";
import type { Deployment } from "../../shared/deployment/deployment.ts";
import { EXIT } from "../../shared/errors.ts";
import { senpuLine } from "../../shared/terminal/senpu-line.ts";

const deployment = { name: "test" } as Deployment;

function read(rules: EnvironmentRules, options: Record<string, unknown>) {
  const all = { state: ".senpu", ...options };
  return readCommonOptions(all, { name: "tested", ...rules }, async () => deployment);
}

test("a command that works in deployments gets the one that --env names, and a folder of its own", async () => {
  const common = await read({ findsDeployment: true }, { env: "test" });
  expect(common).toMatchObject({ env: "test", deployment });
  expect(common.state).toBe(resolve(".senpu/environments/test"));
  expect(senpuLine(["status"], common)).toBe("npx senpu status --env test");
});

test("a line to be pasted repeats the folder that was given, not the environment's within it", async () => {
  const rules = { findsDeployment: true, keepsFiles: true } as const;
  const common = await read(rules, { env: "test", state: "/elsewhere" });
  expect(common.state).toBe(join("/elsewhere", "environments", "test"));
  expect(senpuLine(["resume", "r"], common)).toBe(
    "npx senpu resume r --env test --state /elsewhere",
  );
});

test.each([
  [{}, {}, "senpu tested works on this machine; leave --env out"],
  [{ refusesEnv: "it makes no sense" } as const, {}, "it makes no sense; leave --env out"],
  [
    { findsDeployment: true } as const,
    { endpointUrl: "http://localhost:4566" },
    "a deployment is at AWS; leave --endpoint-url out, or --env",
  ],
  [
    { findsDeployment: true } as const,
    { state: "/elsewhere" },
    "senpu tested neither reads nor keeps anything on this machine then; leave --state out",
  ],
])("--env is refused where it makes no sense: %o %o", async (rules, options, why) => {
  await expect(read(rules, { env: "test", ...options })).rejects.toMatchObject({
    message: `--env test: ${why}`,
    exitCode: EXIT.usage,
  });
});
