import {
  formatCount,
  formatDuration,
  formatForecast,
  formatRate,
} from "../../shared/terminal/format.ts";
import { renderTable } from "../../shared/terminal/table.ts";
import type { LaneOrigin } from "../plan/merge-lanes.ts";
import type { LaneSurvey, TotalSurvey } from "../plan/survey.ts";
import type { Forecast, LaneForecast } from "./forecast.ts";

/** As they are shown. */
const ORIGINS: Readonly<Record<LaneOrigin, string>> = {
  plan: "plan",
  config: "config",
  both: "plan, config",
  default: "–",
};

/** A row a lane: its limits, and how long it takes. */
export function renderLanes(
  {
    survey: { lanes, total },
    forecast,
  }: {
    readonly survey: { readonly lanes: readonly LaneSurvey[]; readonly total: TotalSurvey | null };
    readonly forecast: Forecast;
  },
  columns: number,
): string[] {
  const hasBurst = [...lanes, ...(total === null ? [] : [total])].some(
    ({ burst }) => burst !== null && burst > 1,
  );
  const hasConfig = lanes.some(({ from }) => from === "config" || from === "both");
  const cellsOf = (limits: TotalSurvey & Pick<LaneSurvey, "minConcurrency">): string[] => {
    const { calls, minConcurrency, concurrency, ratePerSecond, burst } = limits;
    const most = concurrency === null ? "–" : formatCount(concurrency);
    return [
      formatCount(calls),
      minConcurrency === null ? most : `${formatCount(minConcurrency)}–${most}`,
      ratePerSecond === null ? "–" : formatRate(ratePerSecond),
      ...(hasBurst ? [burst === null ? "–" : formatCount(burst)] : []),
    ];
  };
  const totalRow = (): string[][] =>
    total === null || forecast.total === null
      ? []
      : [
          [
            "in total",
            ...(hasConfig ? [""] : []),
            ...cellsOf({ minConcurrency: null, ...total }),
            "",
            formatForecast(forecast.total.durationMs),
          ],
        ];
  return renderTable(
    [
      { title: "lane", cut: "end" },
      ...(hasConfig ? [{ title: "from" }] : []),
      { title: "calls", align: "right" },
      { title: "in flight", align: "right" },
      { title: "rate", align: "right" },
      ...(hasBurst ? [{ title: "burst", align: "right" as const }] : []),
      { title: "a call", align: "right" },
      { title: "in all", align: "right" },
    ],
    [
      ...lanes.map((lane, index) => {
        const told = forecast.lanes[index] as LaneForecast;
        return [
          lane.lane,
          ...(hasConfig ? [ORIGINS[lane.from]] : []),
          ...cellsOf(lane),
          formatDuration(told.latencyMs * told.attempts),
          formatForecast(told.durationMs),
        ];
      }),
      ...totalRow(),
    ],
    columns,
  );
}
