import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { createBroker } from "../../shared/broker/aws-broker.ts";
import type { CommandContext } from "../../shared/command.ts";
import { EXIT, SenpuError } from "../../shared/errors.ts";
import { DEFAULT_LANE } from "../../shared/model/lane.ts";
import { attachBroker } from "../../shared/state/held-broker.ts";
import { bundleFunctions } from "../bundle/bundle.ts";
import { FUNCTIONS, RUN_FUNCTION_NAMES, isRunFunctionName } from "../bundle/functions.ts";
import type { RunFunctionName } from "../bundle/functions.ts";
import { readEvent } from "../invoke/read-event.ts";
import { complaint, invocationAsJson, reportLine } from "../invoke/render-invocation.ts";
import { sampleEvent } from "../invoke/sample-event.ts";
import { watchSources } from "../invoke/watch-sources.ts";
import { ExecutionEnvironment } from "../lambda/execution-environment.ts";
import type { EnvironmentOptions } from "../lambda/execution-environment.ts";
import { readMemoryMb, readTimeoutMs, readWholeNumber } from "./function-options.ts";

const DEFAULT_TIMEOUT_MS = 30_000;

export function configure(command: Command): void {
  command
    .argument("<function>", `which handler: ${RUN_FUNCTION_NAMES.join(", ")}`)
    .option("--event <file>", "the event as JSON; - for standard input")
    .option("--sample <plan>", "consumer: write the event that AWS would deliver for this plan")
    .option("-o, --output <file>", "where --sample writes; default: standard output")
    .option("--timeout <time>", "the function's time limit (default: 30s)")
    .option("--memory <mb>", "the function's memory in MB (default: 512)")
    .option(
      "--inspect [port]",
      "wait for a debugger before anything runs; no time limit then (default port: 9229)",
    )
    .option("--watch", "bundle and invoke again whenever a source or the event changes")
    .addHelpText(
      "after",
      `
Bundles the handler as for AWS and runs it with AWS's own runtime client. Broker, ledger and coordination of the
state folder stand in for AWS's, so that what it publishes can be looked at. Prints the result on stdout; logs, and
the line that Lambda would report, on stderr. Ends with 1 when the handler failed or reported failed messages.

Examples:
  senpu invoke consumer --sample plan.yaml -o event.json
  senpu invoke consumer --event event.json --timeout 3s --memory 128
  senpu invoke producer --event schedule.json       {"plan": "plan.yaml", "time": "2026-11-22T03:00:00Z"}
  senpu invoke consumer --event event.json --inspect
`,
    );
}

export async function run(context: CommandContext): Promise<number> {
  const { args, options, common } = context;
  const [name] = args;
  if (!isRunFunctionName(name)) {
    throw new SenpuError(
      "usage",
      `no function ${name}; there are ${RUN_FUNCTION_NAMES.join(", ")}`,
    );
  }
  if (common.env !== undefined) {
    throw new SenpuError("usage", "senpu invoke runs a handler on this machine: leave --env out");
  }
  if (options["sample"] !== undefined) return writeSample(context, name);
  const event = options["event"] as string | undefined;
  if (event === undefined) {
    throw new SenpuError("usage", "--event FILE is missing: the event to invoke the handler with");
  }
  const settings = {
    timeoutMs: readTimeoutMs(options["timeout"] as string | undefined, DEFAULT_TIMEOUT_MS),
    memoryMb: readMemoryMb(options["memory"] as string | undefined),
    ...readInspect(options["inspect"] as string | true | undefined),
  };
  // Before anything is started.
  readEvent(event, name);
  const attached = await attachBroker({ ...common, standby: false });
  const folder = mkdtempSync(join(tmpdir(), "senpu-invoke-"));
  try {
    const broker = createBroker({ endpointUrl: attached.endpointUrl });
    await broker.ensure([DEFAULT_LANE]);
    await broker.close();
    const once = (): Promise<number> =>
      invokeOnce(context, name, event, folder, {
        ...settings,
        variables: { SENPU_STATE: common.state, SENPU_ENDPOINT_URL: attached.endpointUrl },
      });
    return options["watch"] === true ? await watchSources(event, once) : await once();
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await attached.close();
  }
}

/** Source: Node's own default port. */
const INSPECT_PORT = 9229;
const MAX_PORT = 65_535;

function readInspect(value: string | true | undefined): { readonly inspectPort?: number } {
  if (value === undefined) return {};
  if (value === true) return { inspectPort: INSPECT_PORT };
  return { inspectPort: readWholeNumber("--inspect", value, 0, MAX_PORT) };
}

async function invokeOnce(
  { common }: CommandContext,
  name: RunFunctionName,
  eventFile: string,
  folder: string,
  settings: Pick<EnvironmentOptions, "timeoutMs" | "memoryMb" | "inspectPort" | "variables">,
): Promise<number> {
  const event = readEvent(eventFile, name);
  const [bundle] = await bundleFunctions([{ name, ...FUNCTIONS[name] }], folder);
  const environment = await ExecutionEnvironment.start({
    name,
    folder: bundle!.folder,
    ...settings,
    onLog: (line) => process.stderr.write(`${line}\n`),
  });
  const stop = (): void => void environment.stop();
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) process.once(signal, stop);
  try {
    const invocation = await environment.invoke(event);
    const { end } = invocation;
    if (common.json) print(JSON.stringify(invocationAsJson(invocation, settings)));
    else if (end.kind === "returned") print(JSON.stringify(end.result, null, 2));
    if (!common.quiet) process.stderr.write(`${reportLine(invocation, settings)}\n`);
    const wrong = complaint(end, settings);
    if (wrong === undefined) return EXIT.succeeded;
    process.stderr.write(`senpu: ${wrong}\n`);
    return EXIT.failedCalls;
  } finally {
    for (const signal of signals) process.off(signal, stop);
    await environment.stop();
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function writeSample(
  { options, sides, common }: CommandContext,
  name: RunFunctionName,
): Promise<number> {
  if (name !== "consumer") {
    throw new SenpuError("usage", `--sample makes an event for the consumer, not for the ${name}`);
  }
  const producer = await sides.loadProducer();
  const sample = await producer.samplePlan(String(options["sample"]), common.state);
  const text = `${JSON.stringify(sampleEvent(sample, Date.now()), null, 2)}\n`;
  const output = options["output"] as string | undefined;
  if (output === undefined) process.stdout.write(text);
  else writeFileSync(output, text);
  return EXIT.succeeded;
}
