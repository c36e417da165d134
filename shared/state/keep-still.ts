import { removeBrokerRecord, writeBrokerRecord } from "./broker-record.ts";
import type { StateFolder } from "./state-folder.ts";
import { StateLock } from "./state-lock.ts";

export interface Stillness {
  /** Lets whoever waits start the broker. */
  release(): void;
}

/**
 * Keeps the embedded broker of a folder from being started while its data is worked on: a process that wants it waits,
 * as it does for a broker that is starting. Undefined: it runs, or somebody else keeps it still.
 */
export function keepStill({ lockFile, brokerFile }: StateFolder): Stillness | undefined {
  const lock = new StateLock(lockFile);
  if (!lock.tryTake()) {
    lock.release();
    return undefined;
  }
  const startedAt = new Date().toISOString();
  writeBrokerRecord(brokerFile, { endpoint: null, pid: process.pid, port: null, startedAt });
  return {
    release: () => {
      removeBrokerRecord(brokerFile);
      lock.release();
    },
  };
}
