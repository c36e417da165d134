import {
  formatCount,
  formatDuration,
  formatPercent,
  formatRate,
} from "../../shared/terminal/format.ts";
import { markup } from "./html.ts";
import type { Html } from "./html.ts";
import type { ReportData } from "./report-data.ts";

/** The run in numbers. */

export function renderFigures(data: ReportData): Html {
  const { figures } = data;
  const made = figures.succeeded + figures.failed;
  const share = (count: number): string =>
    figures.planned === 0 ? "" : formatPercent(count / figures.planned);
  const retries = data.attempts.reduce(
    (sum, { attempts, succeeded, failed }) => sum + (attempts > 1 ? succeeded + failed : 0),
    0,
  );
  const { latencyMs } = figures;
  const tiles: [label: string, value: string, note: string, mood?: string][] = [
    ["Calls", formatCount(figures.planned), "planned"],
    ["Succeeded", formatCount(figures.succeeded), share(figures.succeeded), "good"],
    [
      "Failed",
      formatCount(figures.failed),
      share(figures.failed),
      figures.failed > 0 ? "bad" : "good",
    ],
  ];
  if (figures.cancelled > 0) {
    tiles.push(["Cancelled", formatCount(figures.cancelled), share(figures.cancelled)]);
  }
  if (figures.pending > 0) {
    tiles.push(["To come", formatCount(figures.pending), share(figures.pending)]);
  }
  tiles.push(
    ["Took", formatDuration(figures.elapsedMs), "from the run's beginning"],
    [
      "Pace",
      made === 0 ? "–" : formatRate((made * 1_000) / Math.max(1, figures.elapsedMs)),
      "calls ended, on average",
    ],
    ["Attempts", formatCount(figures.attempts), `${formatCount(retries)} calls took more than one`],
  );
  if (figures.duplicates > 0) {
    tiles.push(["Duplicates", formatCount(figures.duplicates), "outcomes that arrived again"]);
  }
  const latency: [string, number][] =
    latencyMs === null
      ? []
      : [
          ["p50", latencyMs.p50],
          ["p95", latencyMs.p95],
          ["p99", latencyMs.p99],
          ["max", latencyMs.max],
        ];
  return markup`<section id="figures">
    ${figures.planned > 0 && renderOutcomes(data)}
    <dl class="tiles">
      ${tiles.map(
        ([label, value, note, mood = ""]) =>
          markup`<div>
            <dt>${label}</dt>
            <dd class="value ${mood}">${value}</dd>
            <dd class="quiet">${note}</dd>
          </div>`,
      )}
    </dl>
    ${
      latency.length > 0 &&
      markup`<dl class="tiles small" aria-label="Latency of the last attempt">
        ${latency.map(
          ([label, value]) =>
            markup`<div>
              <dt>Latency ${label}</dt>
              <dd class="value">${formatDuration(value)}</dd>
            </div>`,
        )}
      </dl>`
    }
  </section>`;
}

function renderOutcomes({ figures }: ReportData): Html {
  const parts = [
    { name: "succeeded", color: "good", count: figures.succeeded },
    { name: "failed", color: "bad", count: figures.failed },
    { name: "cancelled", color: "quiet", count: figures.cancelled },
    { name: "to come", color: "faint", count: figures.pending },
  ].filter(({ count }) => count > 0);
  let before = 0;
  const rects = parts.map(({ color, count }) => {
    const x = (before / figures.planned) * 100;
    before += count;
    const width = (count / figures.planned) * 100;
    return markup`<rect
      class="${color}"
      x="${x.toFixed(3)}%"
      width="${width.toFixed(3)}%"
      height="100%"
    ></rect>`;
  });
  return markup`<svg class="outcomes" aria-hidden="true">${rects}</svg>
    <ul class="legend">
      ${parts.map(
        ({ name, color, count }) =>
          markup`<li>
            <i class="key ${color}"></i>${formatCount(count)} ${name}
            (${formatPercent(count / figures.planned)})
          </li>`,
      )}
    </ul>`;
}
