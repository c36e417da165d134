import type { Command } from "commander";
import type { CommandContext } from "../../shared/command.ts";
import { EXIT, SenpuError } from "../../shared/errors.ts";
import { writeText } from "../../shared/terminal/output.ts";
import type { Output } from "../../shared/terminal/output.ts";
import { senpuLine } from "../../shared/terminal/senpu-line.ts";
import { createEdgeClients } from "../edge/clients.ts";
import { findEnvironment } from "../environments/index.ts";
import type { Switch } from "../maintenance/action.ts";
import { deployEdge } from "../maintenance/deploy-edge.ts";
import { Maintenance } from "../maintenance/maintenance.ts";
import type { Position } from "../maintenance/maintenance.ts";
import { deploymentPrefix } from "../stacks/names.ts";

const WORDS = ["on", "off", "status"] as const;

export function configure(command: Command): void {
  command
    .argument("<switch>", WORDS.join(", "))
    .option("--now", "change the web ACL at once, then store it; else a deployment does both")
    .addHelpText(
      "after",
      `
On: end users get a page that says so (infra/maintenance/page.html), with
status 503 and Retry-After; developers stay in. Deploys the edge stack of this
checkout and no other, or, with --now, changes the deployed one alone, within
seconds. It stays over later deployments, until it is switched back.

Examples:
  senpu maintenance on --env test           by a deployment of the edge stack
  senpu maintenance on --env test --now     in force in about a minute
  senpu maintenance status --env test --json
`,
    );
}

/** `senpu maintenance on|off|status`. `deploy` runs the CDK command line, unless a test says otherwise. */
export async function run(
  { args, options, common }: CommandContext,
  output: Output = process.stdout,
  deploy: (environment: string, position: Switch) => Promise<void> = deployEdge,
): Promise<number> {
  const word = WORDS.find((one) => one === args[0]);
  if (word === undefined) {
    throw new SenpuError("usage", `maintenance ${args[0]}: there are ${WORDS.join(", ")}`);
  }
  const environment = findEnvironment(common.env);
  const clients = createEdgeClients();
  const say = (text: string): void => {
    if (!common.quiet) process.stderr.write(`${text}\n`);
  };
  try {
    const maintenance = new Maintenance(clients, deploymentPrefix(environment));
    if (word !== "status") {
      if (options["now"] === true) {
        await maintenance.setNow(word, () =>
          say(`maintenance is ${word}, everywhere in about a minute; storing it`),
        );
      } else {
        await maintenance.deploy(word, () => deploy(environment.name, word));
      }
    }
    const position = await maintenance.position();
    if (common.json) {
      await writeText(output, `${JSON.stringify({ env: environment.name, ...position })}\n`);
    } else {
      const line = senpuLine(["maintenance", position.inForce], common);
      await writeText(output, `${describePosition(environment.name, position, line)}\n`);
    }
    return EXIT.succeeded;
  } finally {
    clients.destroy();
  }
}

function describePosition(
  environment: string,
  { inForce, stored }: Position,
  line: string,
): string {
  const told =
    inForce === "on"
      ? `maintenance is on in ${environment}: end users get the page, developers stay in`
      : `maintenance is off in ${environment}`;
  if (inForce === stored) return told;
  return `${told}\nThe stack has it ${stored}, and a deployment may bring that back. To keep it ${inForce}: ${line} --now`;
}
