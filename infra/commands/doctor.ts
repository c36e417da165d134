import type { CommandContext } from "../../shared/command.ts";
import { readConfig } from "../../shared/config/read-config.ts";
import { EXIT, SenpuError, messageOf } from "../../shared/errors.ts";
import { ok, problem } from "../../shared/finding.ts";
import type { Finding } from "../../shared/finding.ts";
import { createPaint, wantsColor } from "../../shared/terminal/color.ts";
import { DEFAULT_COLUMNS } from "../../shared/terminal/fit.ts";
import { writeLines } from "../../shared/terminal/output.ts";
import type { Output } from "../../shared/terminal/output.ts";
import { renderFinding, renderSum } from "../../shared/terminal/render-findings.ts";
import { Clients } from "../aws/clients.ts";
import { whoAmI } from "../aws/identity.ts";
import type { Identity } from "../aws/identity.ts";
import { CONFIG_FILE } from "../config-file.ts";
import { StatusLine } from "../deploy/status-line.ts";
import { examineDeployment } from "../doctor/examine.ts";
import { stacksOf } from "../doctor/examination.ts";
import { findEnvironment } from "../environments/index.ts";
import { nameEnvironment } from "../environments/named.ts";

const POLL_MS = 3_000;

/** What a test has otherwise. */
export interface DoctorParts {
  readonly pollMs: number;
  /** Path of the configuration; default: the checkout's. */
  readonly config: string;
}

/**
 * `senpu doctor --env NAME`: is what is deployed of an environment as it should be? Takes the same options as
 * `senpu doctor`, and tells in the same form; changes nothing. Its options are declared by `producer/commands/doctor.ts`.
 */
export async function run(
  { common, options }: CommandContext,
  output: Output = process.stdout,
  { pollMs = POLL_MS, config = CONFIG_FILE }: Partial<DoctorParts> = {},
): Promise<number> {
  const environment = findEnvironment(common.env);
  for (const flag of ["repair", "thorough"]) {
    if (options[flag] === true) {
      throw new SenpuError(
        "usage",
        `--${flag} is for this machine: leave it out, or leave --env out`,
      );
    }
  }
  const paint = createPaint(wantsColor(output, options["color"]));
  const columns = output.columns ?? DEFAULT_COLUMNS;
  const status = new StatusLine(process.stderr, common.quiet);
  const findings: Finding[] = [];
  const tell = async (finding: Finding): Promise<void> => {
    findings.push(finding);
    status.clear();
    if (!common.json) await writeLines(output, renderFinding(finding, columns, paint));
  };
  const clients = new Clients();
  try {
    const named = nameEnvironment(environment.name);
    const identity = await tryIdentity(clients, environment.region);
    await tell(identity.finding);
    if (identity.found !== undefined) {
      const examination = {
        environment,
        named,
        identity: identity.found,
        clients,
        config: readConfig(config),
        stacks: stacksOf(environment, named.prefix),
        onSlow: (what: string) => status.show(what),
        pollMs,
      };
      for await (const finding of examineDeployment(examination)) await tell(finding);
    }
  } finally {
    status.clear();
    clients.destroy();
  }
  const count = (state: Finding["state"]): number =>
    findings.filter((finding) => finding.state === state).length;
  const [warnings, problems] = [count("warning"), count("problem")];
  if (common.json) {
    const checks = findings.map(({ unreachable: _unreachable, ...finding }) => finding);
    const result = { env: environment.name, checks, repairs: [], warnings, problems };
    await writeLines(output, [JSON.stringify(result)]);
  } else {
    await writeLines(output, ["", renderSum(warnings, problems)]);
  }
  if (findings.some(({ unreachable }) => unreachable)) return EXIT.unreachable;
  return problems > 0 ? EXIT.failedCalls : EXIT.succeeded;
}

/** Without credentials nothing else can be looked at. */
async function tryIdentity(
  clients: Clients,
  region: string,
): Promise<{ readonly finding: Finding; readonly found?: Identity }> {
  try {
    const found = await whoAmI(clients, region);
    return { found, finding: ok("credentials", `of account ${found.account}: ${found.arn}`) };
  } catch (error) {
    const finding = problem(
      "credentials",
      messageOf(error),
      "everything else is looked at once AWS knows who asks",
    );
    return { finding: { ...finding, unreachable: true } };
  }
}
