import { environmentVariable } from "../environment.ts";

/** Set to `off`, no metrics are written. */
const METRICS_VARIABLE = "SENPU_METRICS";

/**
 * A line of metrics into the function's log. CloudWatch takes only a line that is JSON and nothing else: what goes by the
 * console's methods gets the time and the request's id put before it, or an object around it.
 */
export function writeMetrics(line: () => string): void {
  if (environmentVariable(METRICS_VARIABLE) !== "off") process.stdout.write(`${line()}\n`);
}
