import { once } from "node:events";
import type { Command } from "commander";
import { attachBroker } from "../../shared/state/held-broker.ts";
import type { CommandContext } from "../../shared/command.ts";
import { EXIT } from "../../shared/errors.ts";
import { startRecorderThread } from "../record/recorder-thread.ts";

/** `senpu recorder`: record outcomes into the ledger until stopped. */
export function configure(command: Command): void {
  command.addHelpText(
    "after",
    `
Records what was planned and what became of it, for every run in the state folder, until SIGTERM or Ctrl-C; then
records what it holds and ends with 0. Several may record at once.

Examples:
  senpu recorder                                   beside senpu run plan.yaml --no-recorder
  senpu recorder --endpoint-url http://localhost:4566
`,
  );
}

/** Records until SIGINT or SIGTERM, then what it holds, then ends. */
export async function run({ common }: CommandContext): Promise<number> {
  const stop = new AbortController();
  const { signal } = stop;
  const stopped = Promise.race([
    once(process, "SIGINT", { signal }),
    once(process, "SIGTERM", { signal }),
  ]);
  const { state, endpointUrl } = common;
  const held = await attachBroker({ state, endpointUrl });
  try {
    const recorder = await startRecorderThread({ state, endpointUrl: held.endpointUrl });
    if (!common.quiet) {
      process.stderr.write(`recording into ${state}; Ctrl-C records what it holds and ends\n`);
    }
    try {
      await Promise.race([stopped, recorder.failed]);
    } finally {
      await recorder.stop();
    }
    return EXIT.succeeded;
  } finally {
    stop.abort();
    stopped.catch(() => {});
    await held.close();
  }
}
