/**
 * A line in the function's log, under its request's id. The runtime client replaces the console's methods in Lambda,
 * and only what goes through them gets the id.
 */
export function log(level: "info" | "warn" | "error", text: string): void {
  // oxlint-disable-next-line no-console -- see above
  console[level](text);
}
