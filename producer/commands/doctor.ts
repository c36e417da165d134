import { Option } from "commander";
import type { Command } from "commander";
import type { CommandContext } from "../../shared/command.ts";
import { EXIT } from "../../shared/errors.ts";
import { stateFolderAt } from "../../shared/state/state-folder.ts";
import { createPaint, wantsColor } from "../../shared/terminal/color.ts";
import { DEFAULT_COLUMNS } from "../../shared/terminal/fit.ts";
import { writeLines } from "../../shared/terminal/output.ts";
import type { Output } from "../../shared/terminal/output.ts";
import { MACHINE_CHECKS, examine } from "../doctor/examine.ts";
import type { Examination, Finding } from "../doctor/finding.ts";
import { repair } from "../doctor/repair.ts";
import { renderFinding, renderRepair, renderSum } from "../../shared/terminal/render-findings.ts";

export function configure(command: Command): void {
  command
    .option("--thorough", "look at every index entry of the databases too; slow for a large ledger")
    .addOption(new Option("--repair", "rebuild what can be rebuilt, then look again"))
    .addHelpText(
      "after",
      `
Looks at the runtime, the state folder, the broker and its queues, coordination, the ledger and its
figures, disk, memory, ports and the clock. It only reads, also beside a run. A warning is worth a
look; a problem means that something is broken: then it ends with 1.

--repair wants the folder for itself: stop every run, worker, recorder and broker there first. It
counts the figures of runs anew from their calls, rebuilds a damaged database from what can be read
of it, releases lanes that ended runs claim, and clears what dead processes left. It tells each
thing it does, and keeps a copy of a database before it changes it; senpu prune removes old copies.

With --env it looks at what is deployed of that environment instead: credentials, the CDK's set-up,
stacks and what has drifted from their templates, outputs, quotas, workers, queues and alarms. It
changes nothing.

Exit codes: 0 no problem; 1 a problem was found (after --repair: is left); 3 a store elsewhere could
not be reached, or --repair met somebody at work.

Examples:
  senpu doctor                                       look at this machine and .senpu
  senpu doctor --thorough --state /var/lib/senpu     every page and index entry of that folder
  senpu doctor --repair                              rebuild what can be rebuilt
  senpu doctor --env test                            look at that deployment
  senpu doctor --json | jq '.checks[] | select(.state != "ok")'
`,
    );
}

/** What `senpu doctor --json` prints. */
export interface DoctorResult {
  readonly checks: readonly Omit<Finding, "unreachable">[];
  /** What `--repair` did, in order; the checks are of afterwards. */
  readonly repairs: readonly string[];
  readonly warnings: number;
  readonly problems: number;
}

/** `senpu doctor`: is this machine one that senpu runs well on, and is what it keeps here sound? */
export async function run(
  context: CommandContext,
  output: Output = process.stdout,
): Promise<number> {
  const { common, options } = context;
  const examination: Examination = {
    folder: stateFolderAt(common.state),
    endpointUrl: common.endpointUrl,
    now: Date.now(),
    thorough: options["thorough"] === true,
    onSlow: (what) => {
      if (!common.quiet) process.stderr.write(`${what}\n`);
    },
  };
  const paint = createPaint(wantsColor(output, options["color"]));
  const columns = output.columns ?? DEFAULT_COLUMNS;
  const say = async (lines: readonly string[]): Promise<void> => {
    if (!common.json) await writeLines(output, lines);
  };
  const repairs: string[] = [];
  if (options["repair"] === true) {
    for await (const line of repair(examination)) {
      repairs.push(line);
      await say(renderRepair(line, columns));
    }
    if (repairs.length === 0) await say(["Nothing to repair."]);
    await say([""]);
  }
  const findings: Finding[] = [];
  for await (const finding of examine(MACHINE_CHECKS, examination)) {
    findings.push(finding);
    await say(renderFinding(finding, columns, paint));
  }
  const count = (state: Finding["state"]): number =>
    findings.filter((finding) => finding.state === state).length;
  const [warnings, problems] = [count("warning"), count("problem")];
  if (common.json) {
    const checks = findings.map(({ name, state, found, advice }) => ({
      name,
      state,
      found,
      advice,
    }));
    const result: DoctorResult = { checks, repairs, warnings, problems };
    await writeLines(output, [JSON.stringify(result)]);
  }
  await say(["", renderSum(warnings, problems)]);
  if (findings.some(({ unreachable }) => unreachable)) return EXIT.unreachable;
  return problems > 0 ? EXIT.failedCalls : EXIT.succeeded;
}
