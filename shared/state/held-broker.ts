import { setTimeout as sleep } from "node:timers/promises";
import { LEDGER_QUEUE } from "../broker/broker.ts";
import { startFauxqs } from "../broker/fauxqs-broker.ts";
import type { RunningFauxqs } from "../broker/fauxqs-broker.ts";
import { DEFAULT_PREFIX } from "../broker/topology.ts";
import { SenpuError } from "../errors.ts";
import {
  askBroker,
  readBrokerRecord,
  removeBrokerRecord,
  writeBrokerRecord,
} from "./broker-record.ts";
import type { BrokerRecord } from "./broker-record.ts";
import { openStateFolder } from "./state-folder.ts";
import type { StateFolder } from "./state-folder.ts";
import { StateLock } from "./state-lock.ts";

export interface AttachOptions {
  /** The state folder; made if missing. */
  readonly state: string;
  /** A broker elsewhere: then nothing is started, and the folder is not touched. */
  readonly endpointUrl?: string | undefined;
  /** On which port to serve, when this process is the one that does. Default: the one last used here, else any. */
  readonly port?: number | undefined;
  /** Take over when the holder dies? Default true. */
  readonly standby?: boolean;
}

export interface AttachedBroker {
  /** Stays the same over a takeover. */
  readonly endpointUrl: string;
  /** Does this process run the broker? May become true when another's died. */
  readonly holder: boolean;
  /** The process that ran it when this one attached; undefined with `endpointUrl`. */
  readonly holderPid: number | undefined;
  /** The holder stops the broker; others detach. Close the clients first. */
  close(): Promise<void>;
}

/**
 * The broker of a state folder: started by the first process that asks, shared by the others.
 * Throws {@link SenpuError} `state` when the folder cannot be used or its broker is dead but held, and `broker` when
 * the port that was asked for is taken.
 */
export async function attachBroker(options: AttachOptions): Promise<AttachedBroker> {
  if (options.endpointUrl !== undefined) {
    return {
      endpointUrl: options.endpointUrl,
      holder: false,
      holderPid: undefined,
      close: async () => {},
    };
  }
  const broker = new HeldBroker(openStateFolder(options.state), options);
  await broker.attach();
  return broker;
}

/** How often a waiting process looks whether the broker has no holder. */
const STANDBY_MS = 500;
/** How often an attaching process asks for a broker that is about to answer. */
const ATTACH_RETRY_MS = 50;
/** A holder that has an endpoint answers within this; one that is reading a large backlog says `starting`. */
const ATTACH_MS = 5_000;
/** One that listens and does not answer is stopped, or has no processor to itself. */
const SILENT_MS = 60_000;
const STARTING_MS = 120_000;
/** A person is told after so long what is waited for. */
const TELL_MS = 3_000;

function patienceWith(
  record: BrokerRecord | undefined,
  answer: Awaited<ReturnType<typeof askBroker>>,
): number {
  if (record?.endpoint === null) return STARTING_MS;
  return answer === "silent" ? SILENT_MS : ATTACH_MS;
}

/**
 * `attaching` until the broker answers; then `holding` (this process has the lock and runs the broker) or `attached`
 * (another has). An attached process on standby tries the lock and turns to `holding` when the holder is gone, on the
 * same port with the same data, so that clients see only a gap. A holder whose broker dies lets the lock go and is on
 * standby itself. `closed` at the end, from any of them.
 */
class HeldBroker implements AttachedBroker {
  readonly #folder: StateFolder;
  readonly #lock: StateLock;
  readonly #askedPort: number | undefined;
  readonly #standby: boolean;
  #running: RunningFauxqs | undefined;
  #endpointUrl = "";
  #holderPid: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #takeover: Promise<void> | undefined;
  #closed = false;

  constructor(folder: StateFolder, { port, standby = true }: AttachOptions) {
    this.#folder = folder;
    this.#lock = new StateLock(folder.lockFile);
    this.#askedPort = port || undefined;
    this.#standby = standby;
  }

  get endpointUrl(): string {
    return this.#endpointUrl;
  }

  get holder(): boolean {
    return this.#running !== undefined;
  }

  get holderPid(): number | undefined {
    return this.#holderPid;
  }

  async attach(): Promise<void> {
    const startedAt = Date.now();
    let isTold = false;
    for (;;) {
      if (this.#lock.tryTake()) return await this.#hold(this.#askedPort);
      const record = readBrokerRecord(this.#folder.brokerFile);
      const answer = record?.endpoint ? await askBroker(record.endpoint) : "gone";
      if (record?.endpoint && answer === "answers") return this.#attachTo(record, record.endpoint);
      const passedMs = Date.now() - startedAt;
      if (passedMs > patienceWith(record, answer)) {
        this.#lock.release();
        throw this.#unreachable(record);
      }
      if (record !== undefined && answer === "silent" && passedMs > TELL_MS && !isTold) {
        isTold = true;
        process.stderr.write(
          `senpu: the broker of this state folder (process ${record.pid}) is slow to answer; waiting up to ${SILENT_MS / 1000} s\n`,
        );
      }
      await sleep(ATTACH_RETRY_MS);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#takeover;
    const running = this.#running;
    this.#running = undefined;
    if (running) {
      await running.stop();
      removeBrokerRecord(this.#folder.brokerFile);
    }
    this.#lock.release();
  }

  #attachTo(record: BrokerRecord, endpoint: string): void {
    this.#endpointUrl = endpoint;
    this.#holderPid = record.pid;
    if (this.#standby) this.#standBy();
    else this.#lock.release();
  }

  /** With the lock taken. Lets it go again when the broker does not start. */
  async #hold(port: number | undefined): Promise<void> {
    const { brokerFile, brokerData } = this.#folder;
    const startedAt = new Date().toISOString();
    try {
      writeBrokerRecord(brokerFile, { endpoint: null, pid: process.pid, port: null, startedAt });
      const running = await startFauxqs({
        dataDir: brokerData,
        ...(port !== undefined && { port }),
        handBack: [`${DEFAULT_PREFIX}-${LEDGER_QUEUE}`],
      });
      const { endpointUrl } = running;
      writeBrokerRecord(brokerFile, {
        endpoint: endpointUrl,
        pid: process.pid,
        port: running.port,
        startedAt,
      });
      this.#running = running;
      this.#endpointUrl = endpointUrl;
      this.#holderPid = process.pid;
      running.failed.catch(() => this.#lose(running));
    } catch (error) {
      removeBrokerRecord(brokerFile);
      this.#lock.release();
      throw error;
    }
  }

  #lose(running: RunningFauxqs): void {
    if (this.#running !== running) return;
    this.#running = undefined;
    removeBrokerRecord(this.#folder.brokerFile);
    this.#lock.release();
    this.#standBy();
  }

  #standBy(): void {
    if (this.#closed) return;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      if (this.#takeover === undefined) {
        this.#takeover = this.#tryTakeover().finally(() => (this.#takeover = undefined));
      }
    }, STANDBY_MS);
    this.#timer.unref();
  }

  /** What fails here is tried again at the next turn; clients say so once their patience has ended. */
  async #tryTakeover(): Promise<void> {
    try {
      if (!this.#lock.tryTake()) return;
      await this.#hold(Number(new URL(this.#endpointUrl).port));
      clearInterval(this.#timer);
    } catch {
      this.#lock.release();
    }
  }

  #unreachable(record: BrokerRecord | undefined): SenpuError {
    const { path, lockFile } = this.#folder;
    if (record === undefined) {
      return new SenpuError(
        "state",
        `${lockFile} is held by a process that tells no endpoint; end it (fuser ${lockFile}) and try again`,
      );
    }
    return new SenpuError(
      "state",
      `the broker of ${path} is held by process ${record.pid}, but ${record.endpoint ?? "it"} does not answer; ` +
        `end that process (kill ${record.pid}) and try again: nothing that was accepted is lost`,
    );
  }
}
