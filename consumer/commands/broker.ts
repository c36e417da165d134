import type { Command } from "commander";
import { createBroker } from "../../shared/broker/aws-broker.ts";
import type { CommandContext } from "../../shared/command.ts";
import { EXIT, SenpuError } from "../../shared/errors.ts";
import { DEFAULT_LANE } from "../../shared/model/lane.ts";
import { attachBroker } from "../../shared/state/held-broker.ts";
import { listenForStop } from "./stop-signals.ts";

/** `senpu broker`: the embedded SNS/SQS on a port, durable, for several processes on one machine. */
export function configure(command: Command): void {
  command.option(
    "--port <n>",
    "where to listen on 127.0.0.1 (default: the port last used here, else any)",
  );
}

/** Holds the broker until SIGINT or SIGTERM. */
export async function run({ options, common }: CommandContext): Promise<number> {
  if (common.endpointUrl !== undefined || common.env !== undefined) {
    throw new SenpuError(
      "usage",
      "senpu broker serves the embedded broker: leave --endpoint-url and --env out",
    );
  }
  const stop = listenForStop("nothing that was accepted is lost");
  const port = readPort(options["port"] as string | undefined);
  const held = await stop.open(attachBroker({ state: common.state, port, standby: false }));
  try {
    if (!held.holder) {
      throw new SenpuError(
        "state",
        `process ${held.holderPid} already serves the broker of ${common.state} at ${held.endpointUrl}; use that one, or another --state`,
      );
    }
    const broker = createBroker({ endpointUrl: held.endpointUrl });
    await broker.ensure([DEFAULT_LANE]);
    await broker.close();
    if (common.json) {
      const told = { endpoint: held.endpointUrl, pid: process.pid, state: common.state };
      process.stdout.write(`${JSON.stringify(told)}\n`);
    } else if (!common.quiet) {
      process.stderr.write(
        `broker at ${held.endpointUrl}, messages in ${common.state}; Ctrl-C stops it\n`,
      );
    }
    // Neither the broker's thread nor a signal's listener keeps the process alive.
    const alive = setInterval(() => {}, 2 ** 30);
    await stop.asked;
    clearInterval(alive);
    return EXIT.succeeded;
  } finally {
    await held.close();
  }
}

const MAX_PORT = 65_535;

function readPort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= MAX_PORT) return port;
  throw new SenpuError(
    "usage",
    `--port ${text} is no port; give a number from 0 (any) to ${MAX_PORT}`,
  );
}
