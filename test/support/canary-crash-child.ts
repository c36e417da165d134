import { callLanes } from "../../infra/deploy/canary/call-lanes.ts";
import type { CanaryLane } from "../../infra/deploy/canary/call-lanes.ts";
import { LedgerWatch } from "../../infra/deploy/canary/ledger-watch.ts";
import { createBroker } from "../../shared/broker/aws-broker.ts";
import { openSqliteLedger } from "../../shared/ledger/sqlite-ledger.ts";

/** A process that calls lanes as `senpu deploy` does at its end, and is about to die. Started with one argument, as JSON. */
export interface CanaryCrashOptions {
  readonly endpointUrl: string;
  readonly ledgerFile: string;
  readonly lanes: readonly CanaryLane[];
  /** By itself, once its run is stored and before it publishes; or whenever its parent wants. */
  readonly dies: "before publishing" | "when killed";
}

const { endpointUrl, ledgerFile, lanes, dies } = JSON.parse(
  process.argv[2] ?? "{}",
) as CanaryCrashOptions;
await callLanes(lanes, {
  broker: createBroker({ endpointUrl }),
  watch: new LedgerWatch(openSqliteLedger(ledgerFile), 20),
  patienceMs: 120_000,
  againMs: 120_000,
  allow: ["127.0.0.1"],
  onWaiting: () => {
    if (dies === "before publishing") process.kill(process.pid, "SIGKILL");
  },
});
// It was to die before this.
process.exit(99);
