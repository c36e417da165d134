import { Option } from "commander";
import type { Command } from "commander";
import type { CommandContext } from "../../shared/command.ts";
import { readConfig } from "../../shared/config/read-config.ts";
import { findDeployment } from "../../shared/deployment/find-deployment.ts";
import { parseDurationMs } from "../../shared/duration.ts";
import { EXIT, SenpuError } from "../../shared/errors.ts";
import { createPaint, wantsColor } from "../../shared/terminal/color.ts";
import { DEFAULT_COLUMNS } from "../../shared/terminal/fit.ts";
import { writeLines } from "../../shared/terminal/output.ts";
import type { Output } from "../../shared/terminal/output.ts";
import { senpuLine } from "../../shared/terminal/senpu-line.ts";
import { Clients } from "../aws/clients.ts";
import { CONFIG_FILE } from "../config-file.ts";
import { ask, canAsk } from "../deploy/ask.ts";
import { synthesiseApart } from "../deploy/assembly.ts";
import type { CanaryResult } from "../deploy/canary/call-lanes.ts";
import { canaryLanes, runCanary } from "../deploy/canary/canary.ts";
import { isChanged } from "../deploy/changes.ts";
import { deployStack } from "../deploy/deploy-stack.ts";
import { planDeployment } from "../deploy/deployment-plan.ts";
import type { DeploymentPlan } from "../deploy/deployment-plan.ts";
import { renderChanges } from "../deploy/render-changes.ts";
import { StatusLine } from "../deploy/status-line.ts";
import type { Environment } from "../environments/environment.ts";
import { findEnvironment } from "../environments/index.ts";
import { nameEnvironment } from "../environments/named.ts";

export function configure(command: Command): void {
  command
    .option("--diff", "only show what would change; changes nothing")
    .addOption(new Option("--dry-run", "the same as --diff").implies({ diff: true }))
    .option("--yes", "deploy without asking")
    .option("--stack <name...>", "these stacks and no others: pipeline, ledger, edge, site")
    .option("--full", "list each resource of a new stack, and each permission")
    .option("--no-canary", "make no call at the end")
    .option("--canary-wait <duration>", "how long a canary call may take to be seen", "16m")
    .addHelpText(
      "after",
      `
Builds the functions, synthesises the environment, shows what would change in
each stack, and asks. What would lose data is refused, unless
infra/checks/allowed.ts allows it by name. Then it deploys the stacks in order,
and has each lane make one call to the environment's canary address: it has
succeeded when all of them have.

Interrupted, AWS goes on with the stack that it was at; the same command again
waits for that, and goes on.

Exit codes: 0 deployed, and every lane has made its call; 1 deployed, and a
lane has not; 2 nothing was deployed: the command line, a fault of the
environment, or somebody said no; 3 AWS refused, or a stack failed.

Examples:
  senpu deploy --env test
  senpu deploy --env test --diff             what would change
  senpu deploy --env production --stack edge --yes
`,
    );
}

/** What `senpu deploy --json` prints. */
export interface DeployResult {
  readonly env: string;
  readonly account: string;
  readonly stacks: readonly object[];
  readonly refused: readonly string[];
  readonly warnings: readonly string[];
  /** Ids of the stacks that were deployed; with --diff, none. */
  readonly deployed: readonly string[];
  /** Null: no call was made. */
  readonly canary: readonly CanaryResult[] | null;
}

/** What a test has otherwise. */
export interface DeployParts {
  readonly synthesise: (environment: string) => Promise<void>;
  /** Where the assembly lies; default: the environment's folder in `dist`. */
  readonly assembly?: string;
  readonly canary: typeof runCanary;
  readonly canAsk: () => boolean;
  readonly ask: (question: string) => Promise<boolean>;
  readonly pollMs: number;
}

const PARTS: DeployParts = {
  synthesise: synthesiseApart,
  canary: runCanary,
  canAsk,
  ask,
  pollMs: 3_000,
};

/** `senpu deploy`. */
export async function run(
  { options, common }: CommandContext,
  output: Output = process.stdout,
  parts: Partial<DeployParts> = {},
): Promise<number> {
  const used = { ...PARTS, ...parts };
  const environment = findEnvironment(common.env);
  const isDiffOnly = options["diff"] === true;
  const isAsked = !isDiffOnly && options["yes"] !== true;
  if (isAsked && (common.json || !used.canAsk())) {
    throw new SenpuError(
      "usage",
      "there is nobody to ask: --yes deploys without asking, --diff only shows what would change",
    );
  }
  // A mistake in the environment is told before anything is deployed.
  if (environment.canary !== null) canaryLanes(environment.canary, readConfig(CONFIG_FILE).lanes);
  const patienceMs = readPatience(String(options["canaryWait"]));
  const only = options["stack"] as readonly string[] | undefined;
  const again = senpuLine(["deploy", ...(only === undefined ? [] : ["--stack", ...only])], common);
  const status = new StatusLine(process.stderr, common.quiet);
  const clients = new Clients();
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  for (const signal of SIGNALS) process.on(signal, onSignal);
  const say = async (lines: readonly string[]): Promise<void> => {
    if (!common.json) await writeLines(output, lines);
  };
  let deployed: readonly string[] = [];
  let canary: readonly CanaryResult[] | null = null;
  try {
    const plan = await planDeployment({
      environment,
      clients,
      only,
      synthesise: used.synthesise,
      assembly: used.assembly,
      again,
      pollMs: used.pollMs,
      status,
      signal: stop.signal,
    });
    await say(renderPlan(plan, environment, output, options));
    refuseFaults(plan);
    const changed = plan.stacks.filter(({ changes }) => isChanged(changes));
    if (isDiffOnly) {
      if (common.json) await writeLines(output, [describe(environment, plan, deployed, canary)]);
      return EXIT.succeeded;
    }
    if (isAsked && changed.length > 0) {
      const names = changed.map(({ stack }) => stack.stackName).join(", ");
      if (!(await used.ask(`Deploy ${names} to account ${plan.identity.account}?`))) {
        status.say("Nothing was deployed.");
        return EXIT.usage;
      }
    }
    for (const { stack, place } of changed) {
      const what = `deploying ${stack.stackName}`;
      status.show(what);
      await deployStack(stack, place, {
        clients,
        pollMs: used.pollMs,
        onProgress: (detail) => status.show(what, detail),
        signal: stop.signal,
      });
      deployed = [...deployed, stack.id];
      status.clear();
      await say([`${stack.stackName} is deployed.`]);
    }
    if (options["canary"] !== false && environment.canary !== null) {
      const deployment = await findDeployment(nameEnvironment(environment.name));
      const { account, arn } = plan.identity;
      canary = await used.canary(deployment, environment.canary, {
        patienceMs,
        pollMs: used.pollMs,
        account,
        partition: arn.split(":")[1] ?? "aws",
        onWaiting: (lanes) => status.show(`canary: waiting for a call of ${lanes.join(", ")}`),
        signal: stop.signal,
      });
      status.clear();
    }
    if (common.json) await writeLines(output, [describe(environment, plan, deployed, canary)]);
    await say(renderEnd(environment, canary, changed.length, senpuLine(["doctor"], common)));
    if (stop.signal.aborted) return EXIT.interrupted;
    return canary?.every(({ state }) => state === "succeeded") === false
      ? EXIT.failedCalls
      : EXIT.succeeded;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    const told = error instanceof SenpuError ? error.message : "interrupted; nothing was deployed";
    status.clear();
    process.stderr.write(`senpu: ${told}\n`);
    return EXIT.interrupted;
  } finally {
    status.clear();
    for (const signal of SIGNALS) process.off(signal, onSignal);
    clients.destroy();
  }
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

function readPatience(text: string): number {
  const ms = parseDurationMs(text);
  if (ms !== undefined && ms > 0) return ms;
  throw new SenpuError("usage", `--canary-wait ${text}: a duration, such as 30s or 16m`);
}

function renderPlan(
  { identity, stacks, warnings }: DeploymentPlan,
  { name }: Environment,
  output: Output,
  options: Readonly<Record<string, unknown>>,
): string[] {
  const paint = createPaint(wantsColor(output, options["color"]));
  const columns = output.columns ?? DEFAULT_COLUMNS;
  const full = options["full"] === true;
  return [
    `${name} in account ${identity.account}`,
    ...stacks.flatMap(({ changes }) => ["", ...renderChanges(changes, { columns, paint, full })]),
    "",
    ...warnings.map((warning) => paint.yellow(`Note: ${warning}.`)),
  ];
}

/** What must not be lost is refused before anybody is asked. */
function refuseFaults({ faults }: DeploymentPlan): void {
  if (faults.length === 0) return;
  throw new SenpuError(
    "config",
    `nothing was deployed:\n${faults.map((fault) => `  ${fault}`).join("\n")}\n` +
      "A loss that is meant is allowed by name in infra/checks/allowed.ts, and accepted by npm run synth -- --accept",
  );
}

function describe(
  { name }: Environment,
  { identity, stacks, faults, warnings }: DeploymentPlan,
  deployed: readonly string[],
  canary: readonly CanaryResult[] | null,
): string {
  const result: DeployResult = {
    env: name,
    account: identity.account,
    stacks: stacks.map(({ changes, status }) => ({ ...changes, status: status ?? null })),
    refused: faults,
    warnings,
    deployed,
    canary,
  };
  return JSON.stringify(result);
}

function renderEnd(
  { name }: Environment,
  canary: readonly CanaryResult[] | null,
  changed: number,
  doctorLine: string,
): string[] {
  const lines = changed === 0 ? [`Nothing of ${name} differs from what is deployed.`] : [];
  if (canary === null) {
    return [...lines, `No lane was called, so nothing shows that ${name} works.`];
  }
  const failed = canary.filter(({ state }) => state !== "succeeded");
  lines.push(
    ...failed.map(({ lane, url, state, status, error }) => {
      const why = state === "unseen" ? "no outcome was seen" : (error ?? `${state}, ${status}`);
      return `canary of lane ${lane}: ${why} (${url})`;
    }),
  );
  if (failed.length === 0) return [...lines, `Every lane of ${name} has made its canary call.`];
  return [...lines, `${name} is deployed, and not all of it works: ${doctorLine} looks why.`];
}
