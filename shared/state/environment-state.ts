import { dirname, join } from "node:path";

/**
 * What this machine keeps of its work in a deployment (copies of standard input, chosen calls) lies apart from its own, so
 * that neither is taken for the other's.
 */
export function environmentState(state: string, environment: string): string {
  return join(state, FOLDER, environment);
}

/** The state folder that {@link environmentState} was given; any other as it is. */
export function stateAround(path: string, environment: string): string {
  const around = dirname(dirname(path));
  return path === environmentState(around, environment) ? around : path;
}

const FOLDER = "environments";
