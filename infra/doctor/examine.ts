import { SenpuError, messageOf } from "../../shared/errors.ts";
import { problem } from "../../shared/finding.ts";
import type { Finding } from "../../shared/finding.ts";
import { checkAlarms } from "./check-alarms.ts";
import { checkDrift } from "./check-drift.ts";
import { checkLeftovers } from "./check-leftovers.ts";
import { checkLetters } from "./check-letters.ts";
import { checkOutputs } from "./check-outputs.ts";
import { checkQuotas } from "./check-quotas.ts";
import { checkSetup } from "./check-setup.ts";
import { checkStacks } from "./check-stacks.ts";
import { checkTasks } from "./check-tasks.ts";
import { checkWorkers } from "./check-workers.ts";
import type { DeployedCheck, DeployedExamination } from "./examination.ts";

/** In the order of what rests on what, and each under the name that it has where it fails. */
const CHECKS: readonly (readonly [string, DeployedCheck])[] = [
  ["CDK", checkSetup],
  ["stacks", checkStacks],
  ["leftovers", checkLeftovers],
  ["outputs", checkOutputs],
  ["quotas", checkQuotas],
  ["workers", checkWorkers],
  ["workers", checkTasks],
  ["letters", checkLetters],
  ["alarms", checkAlarms],
  ["drift", checkDrift],
];

/** Findings as they are found. What a check may not look at is a problem, and keeps no other check from its work. */
export async function* examineDeployment(
  examination: DeployedExamination,
): AsyncGenerator<Finding> {
  for (const [name, check] of CHECKS) {
    try {
      yield* await check(examination);
    } catch (error) {
      const advice =
        error instanceof SenpuError
          ? "whoever may grant it to these credentials; the other checks go on without it"
          : "senpu doctor --debug tells more, if that is not it";
      yield {
        ...problem(name, messageOf(error), advice),
        ...(isRefusal(error) && { unreachable: true as const }),
      };
    }
  }
}

/** AWS refused, or could not be reached: nothing is known then, and the command ends with 3. */
function isRefusal(error: unknown): boolean {
  return error instanceof SenpuError && (error.code === "aws" || error.code === "broker");
}
