import { SenpuError } from "../../shared/errors.ts";
import type { Environment } from "./environment.ts";
import { production } from "./production.ts";
import { test } from "./test.ts";

/** All there are: each is synthesised and checked in every test run. */
export const ENVIRONMENTS: readonly Environment[] = [test, production];

/** Throws {@link SenpuError} `usage`, which names those that there are. */
export function findEnvironment(name: string | undefined): Environment {
  const found = ENVIRONMENTS.find((environment) => environment.name === name);
  if (found !== undefined) return found;
  const names = ENVIRONMENTS.map((environment) => environment.name).join(", ");
  throw new SenpuError(
    "usage",
    `${name === undefined ? "which environment?" : `there is no environment ${name}:`} infra/environments has ${names}`,
  );
}
