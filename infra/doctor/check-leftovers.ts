import { findLeftovers, removalLine } from "../deploy/leftover-stacks.ts";
import { ok, warning } from "../../shared/finding.ts";
import type { DeployedCheck } from "./examination.ts";

const NAME = "leftovers";

/** Is a stack there that the environment does not declare any more? It is paid for, and nothing looks after it. */
export const checkLeftovers: DeployedCheck = async ({ clients, named, stacks }) => {
  const leftovers = await findLeftovers(clients, named, stacks);
  if (leftovers.length === 0) return [ok(NAME, "no stack is left of what was declared before")];
  return leftovers.map((stack) =>
    warning(
      NAME,
      `${stack.stackName} in ${stack.region} is ${stack.status}, and not declared any more`,
      `with what it holds, this removes it: ${removalLine(stack)}`,
    ),
  );
};
