import { createHash } from "node:crypto";

/** Characters that a call's name keeps; an id has up to 200, each of which may become nine. */
const MAX_CHARS = 120;

/**
 * A call's id as the name of a file or an object: the same for the same id, another for each other. What not every file
 * system takes is percent-encoded; of a long one the end is its hash.
 */
export function answerName(id: string): string {
  const safe = encodeURIComponent(id.toWellFormed())
    .replaceAll(/[!'()*~]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/^\.+/, (dots) => "%2E".repeat(dots.length));
  if (safe.length <= MAX_CHARS && id.isWellFormed()) return safe;
  const hash = createHash("sha256").update(Buffer.from(id, "utf16le")).digest("hex").slice(0, 24);
  return `${safe.slice(0, MAX_CHARS)}~${hash}`;
}
