import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SenpuProcess } from "../../support/senpu-process.ts";
import type { Ended } from "../../support/senpu-process.ts";
import type { FlowContext } from "./scenario.ts";

export interface FlowCall {
  readonly id: string;
  readonly url: string;
}

export interface FlowRun {
  /** What stands in the plan beside its calls. */
  readonly settings: object;
  readonly calls: readonly FlowCall[];
  /** Further words of `senpu run`. */
  readonly words?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Once it has resolved, the run is interrupted. Default: it is left to settle. */
  readonly until?: () => Promise<void>;
}

const INTERRUPTED = 130;
const SHOWN_STDERR = 2_000;

/**
 * One `senpu run` through the launcher, in a state folder of its own, from its start to its end. Throws when not all
 * calls succeeded.
 */
export async function runSenpu(
  { scratch, signal }: FlowContext,
  { settings, calls, words = [], env = {}, until }: FlowRun,
): Promise<Ended> {
  signal.throwIfAborted();
  const folder = scratch.makeFolder("flow");
  const plan = join(folder, "plan.json");
  writeFileSync(plan, JSON.stringify({ name: "flow", allow: ["127.0.0.1"], ...settings, calls }));
  const state = join(folder, "state");
  mkdirSync(state);
  const run = new SenpuProcess(["run", plan, "--json", "--quiet", "--state", state, ...words], {
    env,
    cwd: folder,
  });
  // Its worker processes end with it where it may take its leave, and up to half a minute later where it may not.
  const interrupt = (): void => run.kill("SIGINT");
  const kill = (): void => run.kill("SIGKILL");
  signal.addEventListener("abort", interrupt);
  process.once("exit", kill);
  try {
    if (until !== undefined) {
      await Promise.race([until(), run.ended]);
      interrupt();
    }
    const ended = await run.ended;
    signal.throwIfAborted();
    if (ended.exitCode !== (until === undefined ? 0 : INTERRUPTED)) {
      const said = (ended.stderr || ended.stdout).slice(-SHOWN_STDERR).trim();
      throw new Error(`senpu run ended with ${ended.exitCode ?? ended.signal}:\n${said}`);
    }
    return ended;
  } finally {
    // Where it has not ended yet, since `until` was rejected.
    interrupt();
    await run.ended;
    signal.removeEventListener("abort", interrupt);
    process.off("exit", kill);
    scratch.removeFolder(folder);
  }
}

/** Calls `<lane>-0` and so on, which the server answers after so many milliseconds each. */
export function callsOf(url: string, lane: string, latenciesMs: readonly number[]): FlowCall[] {
  return latenciesMs.map((ms, index) => {
    const id = `${lane}-${index}`;
    return { id, url: `${url}/${lane}?id=${id}&ms=${ms}` };
  });
}
