import { messageOf } from "../../shared/errors.ts";
import { checkBroker } from "./check-broker.ts";
import { checkClock } from "./check-clock.ts";
import { checkCoordination } from "./check-coordination.ts";
import { checkCounters } from "./check-counters.ts";
import { checkDisk } from "./check-disk.ts";
import { checkFiles } from "./check-files.ts";
import { checkFolder } from "./check-folder.ts";
import { checkHandles } from "./check-handles.ts";
import { checkLedger } from "./check-ledger.ts";
import { checkLeftovers } from "./check-leftovers.ts";
import { checkMemory } from "./check-memory.ts";
import { checkPorts } from "./check-ports.ts";
import { checkQueues } from "./check-queues.ts";
import { checkRuns } from "./check-runs.ts";
import { checkRuntime } from "./check-runtime.ts";
import { problem } from "./finding.ts";
import type { Check, Examination, Finding } from "./finding.ts";
import { isDamage } from "./stores.ts";

/** In the order of what rests on what, and each under the name that it has where it fails. */
export const MACHINE_CHECKS: readonly (readonly [string, Check])[] = [
  ["runtime", checkRuntime],
  ["folder", checkFolder],
  ["files", checkFiles],
  ["leftovers", checkLeftovers],
  ["broker", checkBroker],
  ["queues", checkQueues],
  ["coordination", checkCoordination],
  ["ledger", checkLedger],
  ["counters", checkCounters],
  ["runs", checkRuns],
  ["disk", checkDisk],
  ["memory", checkMemory],
  ["open files", checkHandles],
  ["ports", checkPorts],
  ["clock", checkClock],
];

/** Findings as they are found. What a check cannot look at is a problem, and keeps no other check from its work. */
export async function* examine(
  checks: typeof MACHINE_CHECKS,
  examination: Examination,
): AsyncGenerator<Finding> {
  for (const [name, check] of checks) {
    try {
      yield* await check(examination);
    } catch (error) {
      // Of a damaged file its own check tells.
      if (!isDamage(error)) {
        yield problem(name, messageOf(error), "senpu doctor --debug tells more, if that is not it");
      }
    }
  }
}
