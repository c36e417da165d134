import type { Command } from "commander";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rmSync } from "node:fs";
import type { CommandContext } from "../../shared/command.ts";
import { EXIT, SenpuError } from "../../shared/errors.ts";
import { textsOf } from "../../shared/model/auth.ts";
import { namesIn } from "../../shared/secrets/references.ts";
import type { SecretName } from "../../shared/secrets/references.ts";
import { DEFAULT_COLUMNS } from "../../shared/terminal/fit.ts";
import {
  formatBytes,
  formatCount,
  formatForecast,
  formatQuantity,
  formatRate,
} from "../../shared/terminal/format.ts";
import { writeText } from "../../shared/terminal/output.ts";
import { renderTable } from "../../shared/terminal/table.ts";
import { lanesOf } from "../plan/local-lanes.ts";
import type { LaneOrigin } from "../plan/merge-lanes.ts";
import type { Plan } from "../plan/plan.ts";
import { readPlan } from "../plan/read.ts";
import { durationMs, runDurationMs, surveyPlan } from "../plan/survey.ts";
import type { LaneSurvey, Survey, TotalSurvey } from "../plan/survey.ts";
import { checkSecrets } from "../run/check-secrets.ts";
import { newRunId } from "../run/run-id.ts";
import { readOverrides } from "./run-options.ts";

/** Latencies for which a duration is told, in milliseconds: a fast API, a usual one, a slow one. */
const LATENCIES_MS = [50, 200, 1000];

/** As they are shown. */
const ORIGINS: Readonly<Record<LaneOrigin, string>> = {
  plan: "plan",
  config: "config",
  both: "plan, config",
  default: "–",
};

export function configure(command: Command): void {
  command
    .argument("<plan>", "a plan, as senpu run takes it")
    .option("--concurrency <n>", "calls in flight at the most, in each lane")
    .option("--rate <n/s>", "calls started at the most, in each lane")
    .addHelpText(
      "after",
      `
Reads everything, checks every row, and tells what a run would come to. Ends with 1 when rows are no calls.

Examples:
  senpu plan plan.yaml
  senpu plan plan.yaml --rate 10/s       how long at that rate?
  senpu plan plan.yaml --json | jq .messages
`,
    );
}

/** `senpu plan PLAN`: what a run would take; makes no call and sends nothing. */
export async function run(context: CommandContext): Promise<number> {
  const { common, options } = context;
  const [path] = context.args;
  if (path === undefined) throw new SenpuError("usage", "senpu plan PLAN: which plan?");
  // Looking at standard input leaves nothing in the state folder.
  const spoolDir = join(tmpdir(), `senpu-plan-${process.pid}`);
  try {
    const runId = newRunId(new Date());
    const overrides = readOverrides(options);
    const given = await lanesOf(common.deployment);
    const plan = await readPlan({ path, spoolDir, runId, overrides, given });
    const survey = await surveyPlan(plan, createCounter(common.quiet));
    await checkSecrets(secretsOf(plan, survey), plan.source.shown);
    const text = common.json
      ? `${JSON.stringify(survey)}\n`
      : render(survey, plan, process.stdout.columns ?? DEFAULT_COLUMNS);
    await writeText(process.stdout, text);
    return survey.invalid === 0 ? EXIT.succeeded : EXIT.failedCalls;
  } finally {
    rmSync(spoolDir, { recursive: true, force: true });
  }
}

/** Of its text, and of lanes of the configuration that its calls take. */
function secretsOf(plan: Plan, survey: Survey): SecretName[] {
  const taken = new Set(survey.lanes.map(({ lane }) => lane));
  const lanes = plan.lanes.filter(({ name }) => taken.has(name));
  const texts = lanes.flatMap(({ auth }) => (auth ? textsOf(auth) : []));
  return [...new Set([...(plan.secrets ?? []), ...texts.flatMap(namesIn)])];
}

/** Says how far reading has come, once it takes longer than a second. */
function createCounter(quiet: boolean): (calls: number) => void {
  let next = performance.now() + 1000;
  return (calls) => {
    if (quiet || performance.now() < next) return;
    next += 1000;
    process.stderr.write(`${formatCount(calls)} calls read …\n`);
  };
}

function render(survey: Survey, plan: Plan, columns: number): string {
  const { calls, messages, bytes, lanes, total } = survey;
  const hasBurst = [...lanes, ...(total === null ? [] : [total])].some(
    ({ burst }) => burst !== null && burst > 1,
  );
  const hasConfig = lanes.some(({ from }) => from === "config" || from === "both");
  const lines = [
    `${survey.name}: ${formatQuantity(calls, "call")} in ${formatQuantity(messages, "message")}, ${formatBytes(bytes)}`,
    "",
    ...renderTable(
      [
        { title: "lane" },
        ...(hasConfig ? [{ title: "from" }] : []),
        { title: "calls", align: "right" },
        { title: "in flight", align: "right" },
        { title: "rate", align: "right" },
        ...(hasBurst ? [{ title: "burst", align: "right" as const }] : []),
        ...LATENCIES_MS.map((ms) => ({ title: `at ${ms} ms`, align: "right" as const })),
      ],
      [
        ...lanes.map((lane) => [
          lane.lane,
          ...(hasConfig ? [ORIGINS[lane.from]] : []),
          ...limitCells(lane, hasBurst),
          ...LATENCIES_MS.map((ms) => formatForecast(durationMs(lane, ms))),
        ]),
        ...(total === null
          ? []
          : [
              [
                "in total",
                ...(hasConfig ? [""] : []),
                ...limitCells({ minConcurrency: null, ...total }, hasBurst),
                ...LATENCIES_MS.map((ms) => formatForecast(runDurationMs(survey, ms))),
              ],
            ]),
      ],
      columns,
    ),
    "",
    "Durations are for one attempt a call that takes so long; lanes run side by side.",
  ];
  if (lanes.some(({ minConcurrency }) => minConcurrency !== null)) {
    lines.push("Lanes that adapt are taken at the most that they may have in flight.");
  }
  const longest = survey.leastMs ?? 0;
  if (longest > plan.deadlineMs) {
    lines.push(
      `The rates alone need ${formatForecast(longest)}, and the deadline is ${formatForecast(plan.deadlineMs)}: calls would expire. Raise defaults.deadline.`,
    );
  }
  if (survey.invalid > 0) {
    lines.push(
      `${formatQuantity(survey.invalid, "row")} ${survey.invalid === 1 ? "is no call" : "are no calls"} and would fail as invalid; the first: ${survey.firstInvalid}`,
    );
  }
  return `${lines.join("\n")}\n`;
}

function limitCells(
  limits: TotalSurvey & Pick<LaneSurvey, "minConcurrency">,
  hasBurst: boolean,
): string[] {
  const { calls, minConcurrency, concurrency, ratePerSecond, burst } = limits;
  const most = concurrency === null ? "–" : formatCount(concurrency);
  return [
    formatCount(calls),
    minConcurrency === null ? most : `${formatCount(minConcurrency)}–${most}`,
    ratePerSecond === null ? "–" : formatRate(ratePerSecond),
    ...(hasBurst ? [burst === null ? "–" : formatCount(burst)] : []),
  ];
}
