import type { Command } from "commander";
import { existsSync } from "node:fs";
import { openBroker } from "../../shared/broker/open.ts";
import type { CommandContext } from "../../shared/command.ts";
import { EXIT, SenpuError } from "../../shared/errors.ts";
import { findBroker } from "../../shared/state/find-broker.ts";
import { wantsColor } from "../../shared/terminal/color.ts";
import { DEFAULT_COLUMNS } from "../../shared/terminal/fit.ts";
import { writeLines } from "../../shared/terminal/output.ts";
import type { Output } from "../../shared/terminal/output.ts";
import { nameLanes } from "../replay/gather.ts";
import { SAMPLE_LETTERS, lookAtLetters } from "../replay/look.ts";
import { addCallFilterOptions, readCallFilter } from "./call-filter.ts";
import { noRunYet } from "./choose-run.ts";
import { reading, worksHere } from "./reading.ts";
import { describeQueues, renderLetters } from "./render-letters.ts";

export function configure(command: Command): void {
  addCallFilterOptions(command.argument("[lane]", "of one lane; default: of all there are"));
  command
    .option("--all", `read every letter, and not about ${SAMPLE_LETTERS} of each queue`)
    .addHelpText(
      "after",
      `
What has failed for good lies in its lane's failed queue until it is replayed; what SQS itself gave up
on lies in the dead queue until a recorder has looked at it. Grouped by lane, run, reason, status and
host, with counts, ages and the newest as an example. Nothing is removed; what is read is hidden from
other readers for the moment of reading. --limit is of groups. With --json a group a line.

Examples:
  senpu dlq                          what there is, from a sample of each queue
  senpu dlq crm --all                every letter of a lane, counted
  senpu dlq --status 5xx --json | jq -r '[.run, .count] | @tsv'
`,
    );
}

/** `senpu dlq [LANE]`: what lies in the `failed` and `dead` queues, by cause. */
export async function run(
  context: CommandContext,
  output: Output = process.stdout,
): Promise<number> {
  const { common, options } = context;
  const filter = readFilter(context);
  if (worksHere(common) && !existsSync(common.state)) throw noRunYet(common.state);
  const found = await findBroker(common);
  const broker = openBroker(found.endpointUrl, common.deployment);
  try {
    const all = await broker.lanes();
    if (filter.lane !== undefined && !all.includes(filter.lane)) {
      throw new SenpuError("usage", `lane ${filter.lane}: ${nameLanes(all)}`);
    }
    const lanes = filter.lane === undefined ? all : [filter.lane];
    const look = await reading(context, async (watch) => {
      const read = await lookAtLetters({
        broker,
        lanes,
        filter,
        all: options["all"] === true,
        ...watch,
      });
      return { ...read, isCut: watch.signal.aborted };
    });
    const groups = look.groups.slice(0, filter.limit);
    const lines = common.json
      ? groups.map((group) => JSON.stringify(group))
      : renderLetters(groups, {
          now: Date.now(),
          columns: output.columns ?? DEFAULT_COLUMNS,
          color: wantsColor(output, options["color"]),
        });
    await writeLines(output, lines);
    const notes = describeQueues(look.queues, groups.length < look.groups.length);
    if (!common.quiet) for (const note of notes) process.stderr.write(`${note}\n`);
    return look.isCut ? EXIT.interrupted : EXIT.succeeded;
  } finally {
    await broker.close();
    await found.close();
  }
}

function readFilter({ args, options }: CommandContext) {
  const { state, ...filter } = readCallFilter(options);
  if (state !== undefined && state !== "failed") {
    throw new SenpuError("usage", `--state ${state}: what lies here has failed; leave --state out`);
  }
  const lane = args[0] ?? filter.lane;
  if (filter.lane !== undefined && lane !== filter.lane) {
    throw new SenpuError("usage", `lane ${lane} and --lane ${filter.lane}: give one of them`);
  }
  return { ...filter, ...(lane === undefined ? {} : { lane }) };
}
