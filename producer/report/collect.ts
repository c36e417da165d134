import { setImmediate as turn } from "node:timers/promises";
import type { CommonOptions } from "../../shared/command.ts";
import type { CallRow, Ledger, RunRow } from "../../shared/ledger/ledger.ts";
import type { FailureGroup, Figures } from "../../shared/model/figures.ts";
import { explainCause } from "../../shared/terminal/causes.ts";
import { senpuLine } from "../../shared/terminal/senpu-line.ts";
import { AttemptsTally } from "./attempts-tally.ts";
import { FailureTally } from "./failure-tally.ts";
import { LaneTally } from "./lane-tally.ts";
import { OverTime } from "./over-time.ts";
import type { EventData, FailureData, LaneData, ReportData } from "./report-data.ts";
import { describeSettings, readLimits } from "./settings.ts";
import { showCall } from "./show-call.ts";
import { showText } from "./show-text.ts";
import { Slowest } from "./slowest.ts";
import { TimeScale, shownFactor } from "./time-scale.ts";

export interface CollectOptions {
  /** Epoch milliseconds. */
  readonly now: number;
  /** Where the run lives, so that the lines to paste find it. */
  readonly where: Pick<CommonOptions, "state" | "env" | "endpointUrl">;
  readonly why: string | undefined;
  readonly history: readonly EventData[];
  readonly onRead: (read: number, expected: number) => void;
  /** Aborted: no further row is read, and what was is reported. */
  readonly signal: AbortSignal;
}

const SLOWEST_SHOWN = 15;
/** Each lane takes memory for its time; those after so many are put together. */
const MAX_LANES = 60;
const OTHER_LANES = "(other lanes)";
/** Rows between two looks at the clock and the signal. */
const ROWS_AT_ONCE = 2_000;

/**
 * In: a run's rows, in whatever order a ledger gives them. Out: what a report shows of it, frozen.
 * Read once, and as a stream: memory does not grow with the number of calls.
 */
export async function collectReport(
  ledger: Pick<Ledger, "figures" | "calls">,
  row: RunRow,
  options: CollectOptions,
): Promise<ReportData> {
  const figures = await ledger.figures(row.id, options.now);
  const tally = new RunTally(new TimeScale(row.createdAt, options.now));
  let read = 0;
  for await (const call of ledger.calls(row.id, {})) {
    tally.add(call);
    if (++read % ROWS_AT_ONCE !== 0) continue;
    options.onRead(read, figures.planned);
    await turn();
    if (options.signal.aborted) break;
  }
  return Object.freeze(tally.summarize(row, figures, options));
}

class RunTally {
  readonly #time: TimeScale;
  readonly #overTime: OverTime;
  readonly #attempts = new AttemptsTally();
  readonly #lanes = new Map<string, LaneTally>();
  readonly #failures = new Map<string, FailureTally>();
  readonly #slowest = new Slowest(SLOWEST_SHOWN);

  constructor(time: TimeScale) {
    this.#time = time;
    this.#overTime = new OverTime(time);
  }

  add(call: CallRow): void {
    const startedAt = call.startedAt === null ? null : Date.parse(call.startedAt);
    const settledAt = call.settledAt === null ? null : Date.parse(call.settledAt);
    this.#laneOf(call.lane).add(call, startedAt, settledAt);
    this.#overTime.add(call, settledAt);
    this.#attempts.add(call);
    if (call.latencyMs !== null) this.#slowest.add(call);
    if (call.state !== "failed" || call.reason === null) return;
    const cause = nameGroup({ reason: call.reason, status: call.status });
    let failures = this.#failures.get(cause);
    if (failures === undefined) this.#failures.set(cause, (failures = new FailureTally()));
    failures.add(call, settledAt);
  }

  summarize(
    row: RunRow,
    figures: Figures,
    { now, where, why, history }: CollectOptions,
  ): ReportData {
    const factor = shownFactor(this.#time);
    const limits = readLimits(row);
    const lanes: LaneData[] = [...this.#lanes.values()]
      .sort((a, b) => b.calls - a.calls)
      .map((lane) => lane.summarize(factor, limits.lanes.get(lane.lane) ?? null));
    return {
      version: 1,
      madeAt: new Date(now).toISOString(),
      figures: { ...figures, name: showText(figures.name) },
      createdAt: new Date(row.createdAt).toISOString(),
      why: why === undefined ? null : showText(why),
      time: this.#overTime.summarize(factor),
      latency: this.#overTime.latency(),
      lanes,
      total: limits.total,
      attempts: this.#attempts.summarize(),
      failures: this.#describeFailures(figures, where),
      slowest: this.#slowest.calls.map(showCall),
      settings: describeSettings(row),
      history: history.map((event) => ({ ...event, by: showText(event.by) })),
      replay: figures.failed === 0 ? null : senpuLine(["replay", figures.run], where),
    };
  }

  /** Groups and counts are the ledger's own; the rows say the rest. */
  #describeFailures(figures: Figures, where: CollectOptions["where"]): FailureData[] {
    return figures.failures
      .toSorted((a, b) => b.count - a.count)
      .map((group) => {
        const { reason, status, count } = group;
        const tally = this.#failures.get(nameGroup(group)) ?? new FailureTally();
        const filter = ["--reason", reason];
        if (status !== null) filter.push("--status", String(status));
        return {
          reason,
          status,
          count,
          means: explainCause(reason, status),
          ...tally.summarize(),
          replay: senpuLine(["replay", figures.run, ...filter], where),
          list: senpuLine(["calls", figures.run, ...filter], where),
          isWider:
            status === null &&
            figures.failures.some((other) => other.reason === reason && other.status !== null),
        };
      });
  }

  #laneOf(lane: string): LaneTally {
    const known = this.#lanes.get(lane);
    if (known !== undefined) return known;
    const name = this.#lanes.size < MAX_LANES ? lane : OTHER_LANES;
    let tally = this.#lanes.get(name);
    if (tally === undefined) this.#lanes.set(name, (tally = new LaneTally(name, this.#time)));
    return tally;
  }
}

function nameGroup({ reason, status }: Pick<FailureGroup, "reason" | "status">): string {
  return `${reason} ${status ?? ""}`;
}
