import { totalmem } from "node:os";
import { formatBytes } from "../../shared/terminal/format.ts";
import { ok, warning } from "./finding.ts";
import type { Check, Finding } from "./finding.ts";

const NAME = "memory";
/** What a run with its broker and recorder takes at most, with some room. */
const COMFORTABLE_BYTES = 500_000_000;

/** Is there memory for a run? */
export const checkMemory: Check = () => {
  const limit = process.constrainedMemory();
  // Without a limit of a container it is 0, or more than there is.
  const totalBytes = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  return [judgeMemory(Math.min(process.availableMemory(), totalBytes), totalBytes)];
};

export function judgeMemory(availableBytes: number, totalBytes: number): Finding {
  const found = `${formatBytes(availableBytes)} available of ${formatBytes(totalBytes)}`;
  if (availableBytes >= COMFORTABLE_BYTES) return ok(NAME, found);
  return warning(
    NAME,
    found,
    `a run takes up to ${formatBytes(COMFORTABLE_BYTES)}: end other programs, or give the container more`,
  );
}
