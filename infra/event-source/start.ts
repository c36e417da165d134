import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type {
  EventSourceOptions,
  EventSourceSummary,
  RunningEventSource,
} from "../../shared/command.ts";
import { DEFAULT_LANE, TOTAL } from "../../shared/model/lane.ts";
import { bundleFunctions } from "../bundle/bundle.ts";
import { FUNCTIONS } from "../bundle/functions.ts";
import { EnvironmentPool } from "./environment-pool.ts";
import { LaneMapping } from "./lane-mapping.ts";
import type { LaneMappingOptions } from "./lane-mapping.ts";
import { readMappingOptions } from "./mapping-options.ts";

/** How often lanes that runs claim are looked for; on AWS each deployed lane has its mapping. */
const LANES_MS = 500;

/**
 * Bundles the consumer and feeds it from every lane's queue, as Lambda's event source mappings would.
 * Throws SenpuError: `usage` for options that Lambda would not take, `config` when the consumer cannot be bundled.
 */
export async function startEventSource(options: EventSourceOptions): Promise<RunningEventSource> {
  const mapping = readMappingOptions(options.words);
  const folder = mkdtempSync(join(tmpdir(), "senpu-worker-"));
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const [bundle] = await bundleFunctions([{ name: "consumer", ...FUNCTIONS.consumer }], folder);
    const pool = new EnvironmentPool(
      {
        name: "consumer",
        folder: bundle!.folder,
        timeoutMs: mapping.timeoutMs,
        memoryMb: mapping.memoryMb,
        variables: { SENPU_STATE: options.state, SENPU_ENDPOINT_URL: options.endpointUrl },
        onLog: options.onLog,
      },
      mapping.reservedConcurrency ?? Infinity,
    );
    return new EventSource(
      options,
      (lane, signal, summary) =>
        new LaneMapping({ ...mapping, broker: options.broker, lane, pool, summary, signal }).run(),
      async () => {
        await pool.close();
        removeFolder();
      },
    );
  } catch (error) {
    removeFolder();
    throw error;
  }
}

type MapLane = (
  lane: string,
  signal: AbortSignal,
  summary: LaneMappingOptions["summary"],
) => Promise<void>;

/** States: mapping, lanes taken up as runs claim them → stopping, until the events in process are over → stopped. */
class EventSource implements RunningEventSource {
  readonly failed: Promise<never>;
  readonly #options: EventSourceOptions;
  readonly #mapLane: MapLane;
  readonly #close: () => Promise<void>;
  readonly #stop = new AbortController();
  readonly #lanes = new Map<string, Promise<void>>();
  readonly #timer: NodeJS.Timeout;
  readonly #summary = {
    invocations: 0,
    environments: 0,
    messages: 0,
    messagesFailed: 0,
    errors: 0,
    timeouts: 0,
    throttles: 0,
  };
  #onFailed: (error: unknown) => void = () => {};

  constructor(options: EventSourceOptions, mapLane: MapLane, close: () => Promise<void>) {
    this.#options = options;
    this.#mapLane = mapLane;
    this.#close = close;
    this.failed = new Promise((_, reject) => {
      this.#onFailed = reject;
    });
    // Whoever waits for it hears of it; whoever does not must not die of it.
    this.failed.catch(() => {});
    const take = (): void => void this.#takeLanes().catch(this.#onFailed);
    take();
    this.#timer = setInterval(take, LANES_MS);
  }

  async stop(): Promise<EventSourceSummary> {
    clearInterval(this.#timer);
    this.#stop.abort();
    await Promise.all(this.#lanes.values());
    await this.#close();
    return this.#summary;
  }

  async #takeLanes(): Promise<void> {
    const { coordination, broker } = this.#options;
    const lanes = new Set([DEFAULT_LANE, ...(await coordination.lanes()).map(({ lane }) => lane)]);
    lanes.delete(TOTAL);
    for (const lane of lanes) {
      if (this.#lanes.has(lane) || this.#stop.signal.aborted) continue;
      const mapped = (async () => {
        await broker.ensure([lane]);
        await this.#mapLane(lane, this.#stop.signal, this.#summary);
      })().catch(this.#onFailed);
      this.#lanes.set(lane, mapped);
    }
  }
}
