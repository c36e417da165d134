import type { CommandContext } from "../../shared/command.ts";
import { EXIT, SenpuError } from "../../shared/errors.ts";
import type { WorkSession } from "../../shared/session.ts";
import { formatCount, formatQuantity } from "../../shared/terminal/format.ts";
import { writeText } from "../../shared/terminal/output.ts";
import type { Output } from "../../shared/terminal/output.ts";
import { senpuLine } from "../../shared/terminal/senpu-line.ts";
import { publishUnrecorded } from "../entries/publish-unrecorded.ts";
import type { Published } from "../entries/published.ts";
import { holdToDeployment } from "../plan/hold-to-deployment.ts";
import type { Plan } from "../plan/plan.ts";

export interface ShowPublishedOptions {
  /** Of a deployment. */
  readonly session: WorkSession;
  readonly run: string;
  /** What is to be typed to go on after an interruption. */
  readonly again: string;
  readonly output: Output;
}

/**
 * Publishes a run into a deployment without a ledger, where nobody can tell when it has ended: the command ends once all
 * is published. What came of it on stdout; undefined: interrupted. Throws SenpuError as `publishUnrecorded` does, and
 * `run` where another process is at it.
 */
export async function showPublished(
  plan: Plan,
  { common }: CommandContext,
  { session, run, again, output }: ShowPublishedOptions,
): Promise<Published | undefined> {
  const { deployment } = session;
  const held = deployment === undefined ? plan : holdToDeployment(plan, deployment);
  const interrupt = new AbortController();
  const stop = (): void => interrupt.abort();
  process.on("SIGINT", stop).on("SIGTERM", stop);
  try {
    const { signal } = interrupt;
    const published = await publishUnrecorded({ session, plan: held, run, signal });
    if (published.state === "under way") throw isUnderWay(run, again);
    const text = common.json
      ? JSON.stringify({ ...published, name: plan.name })
      : describe(published, deployment?.name);
    await writeText(output, `${text}\n`);
    if (!common.quiet) {
      const [dlq, cancel] = [senpuLine(["dlq"], common), senpuLine(["cancel", run], common)];
      process.stderr.write(
        `No ledger there counts outcomes. What has failed: ${dlq}\nTo end the run: ${cancel}\n`,
      );
    }
    return published;
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    process.stderr.write(`Interrupted before all was published. To go on: ${again}\n`);
    return undefined;
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}

export function exitCodeOfPublished(published: Published | undefined): number {
  if (published === undefined) return EXIT.interrupted;
  return published.state.startsWith("published") ? EXIT.succeeded : EXIT.failedCalls;
}

function describe({ run, state, planned }: Published, environment = "there"): string {
  if (state === "published before") return `Run ${run} was published before, all of it.`;
  if (state !== "published") return `Run ${run} is ${state}: nothing of it was published.`;
  const calls = planned === null ? formatCount(0) : formatQuantity(planned, "call");
  return `Published ${calls} as run ${run} in ${environment}, where the workers make them.`;
}

function isUnderWay(run: string, again: string): SenpuError {
  return new SenpuError(
    "run",
    `another process publishes run ${run}; if that one is dead, ten seconds later this goes on with it: ${again}`,
  );
}
