import { distance } from "fastest-levenshtein";
import { SenpuError } from "../../shared/errors.ts";
import type { Environment } from "./environment.ts";
import { production } from "./production.ts";
import { test } from "./test.ts";

/** All there are: each is synthesised and checked in every test run. */
export const ENVIRONMENTS: readonly Environment[] = [test, production];

/** At most so many letters wrong, and one of three, are a slip. */
const MAX_SLIPS = 3;

/** Throws {@link SenpuError} `usage`, which names those that there are, and the one that may have been meant. */
export function findEnvironment(name: string | undefined): Environment {
  const found = ENVIRONMENTS.find((environment) => environment.name === name);
  if (found !== undefined) return found;
  const names = ENVIRONMENTS.map((environment) => environment.name);
  const there = `infra/environments has ${names.join(", ")}`;
  if (name === undefined) throw new SenpuError("usage", `which environment? ${there}`);
  const [nearest = ""] = names.toSorted((a, b) => distance(a, name) - distance(b, name));
  const slips = Math.min(MAX_SLIPS, Math.ceil(nearest.length / 3));
  const meant = distance(nearest, name) <= slips ? `; did you mean ${nearest}?` : "";
  throw new SenpuError("usage", `there is no environment ${name}: ${there}${meant}`);
}
