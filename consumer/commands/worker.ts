import type { Command } from "commander";
import { randomBytes } from "node:crypto";
import type { CommandContext } from "../../shared/command.ts";
import { loadConfig } from "../../shared/config/load-config.ts";
import { deploymentPrefix } from "../../shared/broker/open.ts";
import { checkLaneName } from "../../shared/broker/topology.ts";
import { claimedLimits } from "../../shared/coordination/claimed-limits.ts";
import type { LaneLimit } from "../../shared/coordination/coordination.ts";
import { formatDuration, parseDurationMs } from "../../shared/duration.ts";
import { environmentVariable, isRunsChild } from "../../shared/environment.ts";
import { EXIT, SenpuError, messageOf } from "../../shared/errors.ts";
import { log } from "../../shared/log/log.ts";
import { openWorkSession } from "../../shared/session.ts";
import { startWorker } from "../index.ts";
import { listenForStop } from "./stop-signals.ts";
import { addLambdaOptions, refuseLambdaOptions, runAsLambda } from "./worker-as-lambda.ts";

/** A run that started this process hears this often what it does. */
const TELL_MS = 200;
/** Source: SQS quotas, "Visibility timeout": no message is held for longer. */
const MAX_GRACE_MS = 12 * 3_600_000;

export function configure(command: Command): void {
  addLambdaOptions(
    command
      .option("--lanes <names>", "work on these only, by comma (default: SENPU_LANES, else all)")
      .option(
        "--grace <time>",
        "calls in flight may take so long after SIGTERM, 0s to 12h (default: 30s)",
      ),
  ).addHelpText(
    "after",
    `
Makes the calls of every run in the state folder, and works on the lanes of senpu.config.yaml, where there
is one, until SIGTERM or Ctrl-C. Then it receives no more, puts back at once what is not in flight, and
finishes what is: within --grace, after which safe calls go back to the queue and unsafe ones end as
unknown. It ends with 0. Choose a grace some seconds below what ends it by force (terminationGracePeriod,
stopTimeout, TimeoutStopSec). A second signal ends it at once, with 130: what was under way comes back by
itself within half a minute.
Any number of workers share each lane's limits. Where SENPU_PREFIX names a deployment on AWS, it works
there, with SENPU_COORDINATION_TABLE, SENPU_CLAIMS_BUCKET and SENPU_ANSWERS_BUCKET.

Examples:
  senpu worker                                     beside senpu run plan.yaml --no-worker
  senpu worker --lanes crm,reports --grace 100s    for calls that take up to 90 s
  senpu worker --grace 0s                          ends within a second or two
  senpu worker --endpoint-url http://localhost:4566
  senpu worker --as lambda --timeout 3s --max-concurrency 5
`,
  );
}

/** `senpu worker`: makes calls until stopped. */
export async function run(context: CommandContext): Promise<number> {
  const { common, options } = context;
  const stop = listenForStop("what was in flight comes back within half a minute");
  if (options["as"] !== undefined) return runAsLambda(context, stop);
  refuseLambdaOptions(options);
  const only = readLanes(options["lanes"] as string | undefined);
  const graceMs = readGraceMs(options["grace"] as string | undefined);
  const declared = await declaredLanes();
  const standby = !isRunsChild();
  const session = await stop.open(openWorkSession({ ...common, standby }));
  try {
    const worker = await stop.open(
      startWorker({
        broker: session.broker,
        coordination: session.coordination,
        claims: session.claims,
        answers: session.answers,
        name: `worker-${process.pid}-${randomBytes(4).toString("hex")}`,
        declared,
        only,
      }),
    );
    if (!common.quiet) {
      const place = deploymentPrefix(common.endpointUrl) ?? common.state;
      process.stderr.write(
        `senpu worker ${process.pid}: working for ${place}; Ctrl-C drains and ends\n`,
      );
    }
    log.info?.({ state: common.state, lanes: only?.join(",") }, "worker begins");
    // The run that hears this may be dead: then the callback gets the error, which would else end this process.
    const tell = setInterval(() => {
      if (process.connected) process.send?.(worker.lanes(), undefined, undefined, () => {});
    }, TELL_MS);
    try {
      await Promise.race([stop.asked, worker.failed]);
      await worker.stop(graceMs);
    } catch (error) {
      // It would go on trying otherwise, and keep the process alive.
      await session.broker.close();
      await worker.stop(0).catch(() => {});
      throw error;
    } finally {
      clearInterval(tell);
    }
    return EXIT.succeeded;
  } finally {
    await session.close();
    if (process.connected) process.disconnect();
  }
}

/** Undefined: every lane. */
function readLanes(option: string | undefined): readonly string[] | undefined {
  const text = (option ?? environmentVariable("SENPU_LANES")) || undefined;
  if (text === undefined) return undefined;
  const lanes = text.split(",").map((name) => name.trim());
  try {
    for (const lane of lanes) checkLaneName(lane);
  } catch (cause) {
    throw new SenpuError("usage", `--lanes (or SENPU_LANES): ${messageOf(cause)}`, { cause });
  }
  return lanes;
}

/** Undefined: as the worker has it. */
function readGraceMs(option: string | undefined): number | undefined {
  if (option === undefined) return undefined;
  const graceMs = parseDurationMs(option);
  if (graceMs !== undefined && graceMs <= MAX_GRACE_MS) return graceMs;
  throw new SenpuError(
    "usage",
    `--grace ${option}: give a time of at most ${formatDuration(MAX_GRACE_MS)}, such as 40s`,
  );
}

/** Those of the configuration; a run that started this process claims them. */
async function declaredLanes(): Promise<readonly LaneLimit[]> {
  const config = isRunsChild() ? undefined : await loadConfig();
  return config === undefined ? [] : claimedLimits(config);
}
