import { watch } from "node:fs";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { messageOf } from "../../shared/errors.ts";

const SOURCES = ["producer", "consumer", "shared"].map((side) =>
  fileURLToPath(new URL(`../../${side}`, import.meta.url)),
);
/** An editor writes a file in several steps. */
const SETTLE_MS = 100;

/** Does it now and after each change, until SIGINT or SIGTERM. A mistake on the way is told, and waits for its mending. */
export async function watchSources(event: string, work: () => Promise<number>): Promise<number> {
  const stop = new AbortController();
  const { signal } = stop;
  const stopped = Promise.race([
    once(process, "SIGINT", { signal }),
    once(process, "SIGTERM", { signal }),
  ]);
  let changed = Promise.withResolvers<void>();
  const onChange = (): void => changed.resolve();
  const paths = event === "-" ? SOURCES : [...SOURCES, event];
  for (const path of paths) watch(path, { recursive: true, signal }, onChange);
  let exitCode = 0;
  try {
    for (let going = true; going;) {
      changed = Promise.withResolvers<void>();
      exitCode = await work().catch(tell);
      process.stderr.write("waiting for a change; Ctrl-C ends\n");
      going = await Promise.race([changed.promise.then(() => true), stopped.then(() => false)]);
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    }
    return exitCode;
  } finally {
    stop.abort();
    stopped.catch(() => {});
  }
}

function tell(error: unknown): number {
  process.stderr.write(`senpu: ${messageOf(error)}\n`);
  return 2;
}
