import {
  formatCount,
  formatDuration,
  formatPercent,
  formatRate,
} from "../../shared/terminal/format.ts";
import { LANES_DRAWN, chartInFlight, chartStarts, formatInFlight } from "./chart-specs.ts";
import type { Chart } from "./chart-specs.ts";
import { markup } from "./html.ts";
import type { Html } from "./html.ts";
import { renderChart } from "./render-sections.ts";
import type { LaneData, ReportData } from "./report-data.ts";
import { describeRate } from "./settings.ts";

/** The lanes: what each reached, beside what it might. */

export interface LaneCharts {
  readonly lane: LaneData;
  readonly charts: readonly Chart[];
}

/** Of the lanes with the most calls. */
export function chartLanes({ lanes, time }: ReportData): LaneCharts[] {
  return lanes
    .filter(({ attemptsSeen }) => attemptsSeen > 0)
    .slice(0, LANES_DRAWN)
    .map((lane, index) => ({
      lane,
      charts: [chartStarts(lane, index, time.binMs), chartInFlight(lane, index)],
    }));
}

export function renderLanes(data: ReportData, drawn: readonly LaneCharts[]): Html {
  const { lanes } = data;
  return markup`<section id="lanes">
    <h2>Lanes</h2>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col" rowspan="2">Lane</th>
            <th scope="col" rowspan="2" class="number">Calls</th>
            <th scope="col" rowspan="2" class="number">Failed</th>
            <th scope="colgroup" colspan="3" class="group">Started per second</th>
            <th scope="colgroup" colspan="3" class="group">In flight</th>
          </tr>
          <tr>
            <th scope="col" class="number group">most</th>
            <th scope="col" class="number">limit</th>
            <th scope="col" class="number">used</th>
            <th scope="col" class="number group">most</th>
            <th scope="col" class="number">limit</th>
            <th scope="col" class="number">used</th>
          </tr>
        </thead>
        <tbody>
          ${lanes.map(renderRow)}
        </tbody>
      </table>
    </div>
    <p class="quiet">${describeMeasures(lanes)}${describeTotal(data)}</p>
    ${drawn.map(
      ({ lane, charts }) =>
        markup`<h3 class="lane"><bdi>${lane.lane}</bdi></h3>
          <div class="pair">${charts.map(renderChart)}</div>`,
    )}
    ${
      lanes.length > drawn.length &&
      markup`<p class="quiet">
        Charts are of the ${formatCount(drawn.length)} lanes with the most calls.
      </p>`
    }
  </section>`;
}

function renderRow(lane: LaneData): Html {
  const { limit } = lane;
  const perSecond = (lane.mostStarted * 1_000) / lane.windowMs;
  const rate = limit?.rate ?? null;
  const most = limit?.concurrency ?? null;
  return markup`<tr>
    <th scope="row"><bdi>${lane.lane}</bdi></th>
    <td class="number">${formatCount(lane.calls)}</td>
    <td class="number">${formatCount(lane.failed)}</td>
    <td class="number group">${lane.attemptsSeen === 0 ? "–" : formatRate(perSecond)}</td>
    <td class="number">${rate === null ? "none" : describeRate(rate)}</td>
    <td class="number">
      ${rate === null ? "–" : formatUsed((perSecond * rate.perMs) / (rate.count * 1_000))}
    </td>
    <td class="number group">
      ${lane.attemptsSeen === 0 ? "–" : formatInFlight(lane.mostInFlight)}
    </td>
    <td class="number">${describeConcurrency(limit)}</td>
    <td class="number">${most === null ? "–" : formatUsed(lane.mostInFlight / most)}</td>
  </tr>`;
}

/** More than all of it is said too: then a burst was allowed, or a limit is not held. */
function formatUsed(share: number): string {
  return share > 1.005
    ? `${Math.round(share * 100)} %`
    : formatPercent(Math.round(share * 1_000) / 1_000);
}

function describeConcurrency(limit: LaneData["limit"]): string {
  if (limit === null || limit.concurrency === null) return "none";
  const { concurrency, minConcurrency } = limit;
  return minConcurrency === null
    ? formatCount(concurrency)
    : `${formatCount(minConcurrency)}–${formatCount(concurrency)}`;
}

function describeMeasures(lanes: readonly LaneData[]): string {
  const { windowMs = 1_000, momentMs = 100 } = lanes[0] ?? {};
  const attempts = lanes.reduce((sum, lane) => sum + lane.attempts, 0);
  const seen = lanes.reduce((sum, lane) => sum + lane.attemptsSeen, 0);
  const unseen =
    seen < attempts
      ? ` ${formatCount(attempts - seen)} of ${formatCount(attempts)} attempts lie between the first and the last of their call, and are missing.`
      : "";
  return (
    `Started: attempts within any ${windowMs === 1_000 ? "second" : formatDuration(windowMs)}, a call's first and its last.${unseen} ` +
    `In flight: the highest mean over ${formatDuration(momentMs)}, of last attempts only, because only theirs is a known duration: with retries more were in flight. ` +
    `Times are the workers' own clocks.`
  );
}

function describeTotal({ total }: ReportData): string {
  if (total === null) return "";
  const limits = [
    total.rate === null ? undefined : describeRate(total.rate),
    total.concurrency === null ? undefined : `${formatCount(total.concurrency)} in flight`,
  ];
  return ` Over all lanes together: at most ${limits.filter((limit) => limit !== undefined).join(" and ")}.`;
}
