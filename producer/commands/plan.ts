import type { Command } from "commander";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rmSync } from "node:fs";
import type { CommandContext } from "../../shared/command.ts";
import { openClaims } from "../../shared/claims/open.ts";
import { parseDurationMs } from "../../shared/duration.ts";
import { isWithoutLedger } from "../../shared/deployment/deployed-ledger.ts";
import { EXIT, SenpuError } from "../../shared/errors.ts";
import { textsOf } from "../../shared/model/auth.ts";
import { namesIn } from "../../shared/secrets/references.ts";
import type { SecretName } from "../../shared/secrets/references.ts";
import { DEFAULT_COLUMNS } from "../../shared/terminal/fit.ts";
import { formatCount } from "../../shared/terminal/format.ts";
import { writeText } from "../../shared/terminal/output.ts";
import { totalUsd } from "../../shared/cost/bill.ts";
import { lanesOf } from "../plan/local-lanes.ts";
import { readPlan } from "../plan/read.ts";
import { readRegion } from "../preflight/deployed.ts";
import { preflight } from "../preflight/preflight.ts";
import type { Preflight } from "../preflight/preflight.ts";
import { refusal, renderPreflight } from "../preflight/render.ts";
import { MOST_SAMPLES, renderSample, samplePlanned } from "../preflight/sample.ts";
import type { Plan } from "../plan/plan.ts";
import type { Survey } from "../plan/survey.ts";
import { checkSecrets } from "../run/check-secrets.ts";
import { newRunId } from "../run/run-id.ts";
import { readLedger } from "./read-ledger.ts";
import { readOverrides, wholeNumber } from "./run-options.ts";

const SHOWN = 3;

export function configure(command: Command): void {
  command
    .argument("<plan>", "a plan, as senpu run takes it")
    .option("--concurrency <n>", "calls in flight at the most, in each lane")
    .option("--rate <n/s>", "calls started at the most, in each lane")
    .option("--latency <duration>", "how long a call takes; default: as earlier ones did, or 200ms")
    .option("--region <name>", "of AWS, for the cost; default the environment's, or ap-northeast-1")
    .option("--curl <n>", `calls to show as curl lines; default ${SHOWN}`)
    .option(
      "--sample <n>",
      "make so many calls now, the first ones, and show what comes back; nothing is recorded",
    )
    .addHelpText(
      "after",
      `
Reads everything, checks every row, and tells what a run would come to: how long by its limits and by how long earlier
calls took, what it would cost on AWS, and what would bite there. Makes no call, but with --sample, which really makes them,
POST too, one after the other, each once. Ends with 1 when rows are no calls, with 2 when the limits do not let the run
end within its deadline.

Examples:
  senpu plan plan.yaml
  senpu plan plan.yaml --rate 10/s       how long at that rate?
  senpu plan plan.yaml --env test        with the lanes, the region and the ledger of a deployment
  senpu plan plan.yaml --sample 3        and what do the first three calls answer?
  senpu plan plan.yaml --json | jq .messages
`,
    );
}

/** `senpu plan PLAN`: what a run would take. */
export async function run(context: CommandContext): Promise<number> {
  const { common, options } = context;
  const [path] = context.args;
  if (path === undefined) throw new SenpuError("usage", "senpu plan PLAN: which plan?");
  const asked = {
    ...readRegion(options["region"] as string | undefined, common.deployment?.region),
    hasLedger: !isWithoutLedger(common.deployment),
    latencyMs: readLatency(options["latency"] as string | undefined),
    shown: options["curl"] === undefined ? SHOWN : wholeNumber("--curl", options["curl"], 0, 1_000),
  };
  const samples =
    options["sample"] === undefined
      ? 0
      : wholeNumber("--sample", options["sample"], 1, MOST_SAMPLES);
  // Looking at standard input leaves nothing in the state folder.
  const spoolDir = join(tmpdir(), `senpu-plan-${process.pid}`);
  try {
    const runId = newRunId(new Date());
    const given = await lanesOf(common.deployment);
    const plan = await readPlan({
      path,
      spoolDir,
      runId,
      overrides: readOverrides(options),
      given,
    });
    const told = await preflight({
      ...asked,
      plan,
      given,
      readLedger: async (read) => (asked.hasLedger ? readLedger(common, read, "read") : undefined),
      onProgress: createCounter(common.quiet),
    });
    if (given?.kind !== "deployed") {
      await checkSecrets(secretsOf(plan, told.survey), plan.source.shown);
    }
    const claims = openClaims(join(spoolDir, "claims"));
    const answers = samples === 0 ? [] : await samplePlanned(plan, samples, context.sides, claims);
    await claims.close();
    const columns = process.stdout.columns ?? DEFAULT_COLUMNS;
    const text = common.json
      ? `${JSON.stringify({ ...toJson(told), ...(samples === 0 ? {} : { sample: answers }) })}\n`
      : `${renderPreflight(told, columns)}${samples === 0 ? "" : `\n${renderSample(answers, columns).join("\n")}\n`}`;
    await writeText(process.stdout, text);
    return judge(told);
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

/** The survey's fields stand at the top, as they always have. */
function toJson(told: Preflight): object {
  const { survey, forecast, cost, findings, blocked, first } = told;
  return {
    ...survey,
    forecast,
    refused: refusal(told) ?? null,
    cost: { region: cost.region, usd: totalUsd(cost.items), items: cost.items },
    findings,
    blocked,
    first,
  };
}

function judge(told: Preflight): number {
  const refused = refusal(told);
  if (refused !== undefined) throw new SenpuError("plan", refused);
  return told.survey.invalid === 0 ? EXIT.succeeded : EXIT.failedCalls;
}

function readLatency(option: string | undefined): number | undefined {
  if (option === undefined) return undefined;
  const ms = parseDurationMs(option);
  if (ms !== undefined && ms > 0) return ms;
  throw new SenpuError("usage", `--latency ${option}: a duration such as 300ms or 2s`);
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
