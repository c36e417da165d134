import { userInfo } from "node:os";

/** Who does something to a run, for its history: `senpu pause (process 4711, user ann)`. */
export function describeActor(command: string): string {
  return `${command} (process ${process.pid}, user ${userName()})`;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under an id that no name belongs to.
    return String(process.getuid?.() ?? "unknown");
  }
}
