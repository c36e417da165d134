import { randomBytes } from "node:crypto";
import { SenpuError } from "../../shared/errors.ts";

/** A new run's id: sorts by time, reads as one, and is safe in file names and message attributes. */
export function newRunId(now: Date): string {
  const stamp = now.toISOString().replaceAll(/[-:]/g, "").slice(0, 15);
  return `${stamp}-${randomBytes(3).toString("hex")}`.toLowerCase();
}

const RUN_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$/;

/** An id that a person gave may become part of file names. Throws SenpuError `usage`. */
export function checkRunId(text: string): void {
  if (RUN_ID.test(text)) return;
  throw new SenpuError(
    "usage",
    `--run-id ${JSON.stringify(text)}: letters, digits, dot, hyphen and underscore, at most 80, beginning with a letter or digit`,
  );
}
