import type { Command } from "commander";
import type { CommandContext } from "../../shared/command.ts";
import { EXIT } from "../../shared/errors.ts";
import { findBroker } from "../../shared/state/find-broker.ts";
import { startRecorderThread } from "../record/recorder-thread.ts";
import { listenForStop } from "./stop-signals.ts";

/** `senpu recorder`: record outcomes into the ledger until stopped. */
export function configure(command: Command): void {
  command.addHelpText(
    "after",
    `
Records what was planned and what became of it, for every run in the state folder, until SIGTERM or Ctrl-C; then
records what it holds and ends with 0; a second signal ends it at once, with 130. Several may record at once.

Examples:
  senpu recorder                                   beside senpu run plan.yaml --no-recorder
  senpu recorder --endpoint-url http://localhost:4566
`,
  );
}

/** Records until SIGINT or SIGTERM, then what it holds, then ends. */
export async function run({ common }: CommandContext): Promise<number> {
  const stop = listenForStop("what was not recorded comes back within seconds");
  const { state, endpointUrl } = common;
  const found = await stop.open(findBroker({ state, endpointUrl }));
  try {
    const recorder = await stop.open(
      startRecorderThread({ state, endpointUrl: found.endpointUrl }),
    );
    if (!common.quiet) {
      process.stderr.write(`recording into ${state}; Ctrl-C records what it holds and ends\n`);
    }
    try {
      await Promise.race([stop.asked, recorder.failed]);
    } finally {
      await recorder.stop();
    }
    return EXIT.succeeded;
  } finally {
    await found.close();
  }
}
