import type { LookupFunction } from "node:net";
import type { Command } from "commander";
import type { CommandContext } from "../../shared/command.ts";
import { EXIT, SenpuError } from "../../shared/errors.ts";
import { writeLines, writeText } from "../../shared/terminal/output.ts";
import type { Output } from "../../shared/terminal/output.ts";
import { explainRefusal } from "../../shared/aws/explain-refusal.ts";
import { Stack } from "../../shared/aws/stack.ts";
import { callRegistration } from "../edge/call-registration.ts";
import type { Registered } from "../edge/call-registration.ts";
import { createEdgeClients } from "../edge/clients.ts";
import type { EdgeClients } from "../edge/clients.ts";
import {
  ADDRESS_FAMILIES,
  REGISTRATION_URL_OUTPUT,
  allowIpPolicyName,
  edgeStackName,
} from "../edge/names.ts";
import type { AddressFamily } from "../edge/names.ts";
import { findEnvironment } from "../environments/index.ts";
import { deploymentPrefix } from "../stacks/names.ts";

const FAMILY_NAMES: Readonly<Record<AddressFamily, string>> = { ipv4: "IPv4", ipv6: "IPv6" };
const FORBIDDEN = 403;

export function configure(command: Command): void {
  command
    .option("--remove", "take this machine's address back before its time is over")
    .addHelpText(
      "after",
      `
Registers the address that this machine comes from, as it is seen from outside,
by IPv4 and by IPv6, for the days that the environment says. Whoever comes from
there counts as a developer, and stays in during maintenance. After a move, or
when it has expired: the same again.

Examples:
  senpu allow-ip --env test
  senpu allow-ip --env test --remove
`,
    );
}

/** `senpu allow-ip`. `lookup` finds the addresses of the URL's host; default: the system's. */
export async function run(
  { options, common }: CommandContext,
  output: Output = process.stdout,
  lookup?: LookupFunction,
): Promise<number> {
  const environment = findEnvironment(common.env);
  const prefix = deploymentPrefix(environment);
  const method = options["remove"] === true ? "DELETE" : "POST";
  const clients = createEdgeClients();
  try {
    const url = await findUrl(clients, edgeStackName(prefix));
    const results = await Promise.all(
      ADDRESS_FAMILIES.map((family) => callRegistration(url, family, method, lookup)),
    ).catch((error: unknown) => {
      throw explainRefusal(error, `calling ${url.hostname}`);
    });
    throwIfNothingDone(results, url, allowIpPolicyName(prefix));
    if (common.json) {
      await writeText(output, `${JSON.stringify(describe(environment.name, results))}\n`);
    } else {
      await writeLines(output, results.map(renderLine));
    }
    if (!common.quiet) process.stderr.write("AWS WAF knows everywhere within about a minute.\n");
    // A family that this machine does not have is nothing to mend; one that was refused is.
    return results.some(({ kind }) => kind === "refused") ? EXIT.unreachable : EXIT.succeeded;
  } finally {
    clients.destroy();
  }
}

async function findUrl({ cloudFormation }: EdgeClients, stackName: string): Promise<URL> {
  const state = await new Stack(cloudFormation, stackName).describe();
  const url = URL.parse(state?.outputs.get(REGISTRATION_URL_OUTPUT) ?? "");
  if (url !== null) return url;
  throw new SenpuError(
    "aws",
    state === undefined
      ? `there is no stack ${stackName}: deploy it first`
      : `stack ${stackName} has no output ${REGISTRATION_URL_OUTPUT}: it is ${state.status}`,
  );
}

function throwIfNothingDone(results: readonly Registered[], url: URL, policy: string): void {
  if (results.some(({ kind }) => kind === "done")) return;
  const refused = results.find((result) => result.kind === "refused");
  if (refused?.status === FORBIDDEN) {
    throw new SenpuError(
      "aws",
      `the registration of addresses refused these credentials (403, ${refused.why}); ` +
        `they need the IAM actions lambda:InvokeFunctionUrl and lambda:InvokeFunction: attach the policy ${policy}`,
    );
  }
  const why = results.map((result) => `${FAMILY_NAMES[result.family]} ${reasonOf(result)}`);
  throw new SenpuError("aws", `${url.host} could not be reached or refused: ${why.join(", ")}`);
}

function reasonOf(result: Registered): string {
  if (result.kind === "refused") return `${result.status} ${result.why}`;
  return result.kind === "no way" ? result.why : "";
}

function renderLine(result: Registered): string {
  const family = FAMILY_NAMES[result.family];
  if (result.kind === "no way") return `${family}  not registered: no way out (${result.why})`;
  if (result.kind === "refused") return `${family}  not registered: ${reasonOf(result)}`;
  const { network, until } = result;
  if (until === null) return `${family}  ${network} taken back`;
  return `${family}  ${network} allowed until ${until.slice(0, 16).replace("T", " ")} UTC`;
}

function describe(env: string, results: readonly Registered[]): object {
  return {
    env,
    addresses: results
      .filter((result) => result.kind === "done")
      .map(({ family, network, until }) => ({ family, network, until })),
    failed: results
      .filter((result) => result.kind !== "done")
      .map((result) => ({ family: result.family, why: reasonOf(result) })),
  };
}
