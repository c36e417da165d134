import { getCompileCacheDir } from "node:module";
import { dirname } from "node:path";

/** The one place that reads the process's environment. */
export function environmentVariable(name: string): string | undefined {
  return process.env[name];
}

/** All of it, for a process that is started from here. */
export function wholeEnvironment(): Readonly<Record<string, string | undefined>> {
  return process.env;
}

/** For a thread: what it may see of the environment, and where compiled code is kept, so that it starts at once. */
export function threadEnvironment(sees: "all" | "nothing"): Record<string, string | undefined> {
  const cache = getCompileCacheDir();
  return {
    ...(sees === "all" ? process.env : {}),
    // Node keeps a folder for each of its versions in the one that is named.
    ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: dirname(cache) }),
  };
}

/** Set for worker processes that a run has started: its process id. */
export const CHILD_VARIABLE = "SENPU_STARTED_BY";

/**
 * Was this process started by a run, which may be dead by now? That its channel is open says too little: who is started
 * as the run dies finds it closed.
 */
export function isRunsChild(): boolean {
  return environmentVariable(CHILD_VARIABLE) !== undefined;
}
