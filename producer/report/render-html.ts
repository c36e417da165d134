import { createHash } from "node:crypto";
import { formatCount, formatDuration } from "../../shared/terminal/format.ts";
import { describeState } from "../../shared/terminal/summary.ts";
import {
  chartCalls,
  chartDistribution,
  chartFailed,
  chartLatency,
  formatBin,
} from "./chart-specs.ts";
import type { Chart, PageData } from "./chart-specs.ts";
import { Html, markup, jsonForScript } from "./html.ts";
import { describeUnfinished, nameState } from "./name-state.ts";
import { readParts } from "./page-parts.ts";
import { renderFigures } from "./render-figures.ts";
import { chartLanes, renderLanes } from "./render-lanes.ts";
import {
  renderAttempts,
  renderCalls,
  renderChart,
  renderFailure,
  renderTime,
} from "./render-sections.ts";
import type { ReportData } from "./report-data.ts";

/** Causes that get a block of their own; there are rarely more. */
const CAUSES_SHOWN = 20;

/**
 * A report as one page that asks nobody for anything: its policy lets it run its own scripts and no other, and load
 * nothing. All text is escaped here; the page's script is given numbers and our own words.
 */
export function renderHtml(data: ReportData): string {
  const { css, library, script } = readParts();
  const parts = renderParts(data);
  const policy = [
    "default-src 'none'",
    `script-src ${hash(library)} ${hash(script)}`,
    `style-src ${hash(css)}`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
  const { name, state } = data.figures;
  return markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <meta name="referrer" content="no-referrer" />
        <title>${name}: ${state}</title>
        ${element("style", css)}
      </head>
      <body>
        <main>${parts.body}</main>
        <script type="application/json" id="data">${jsonForScript(parts.page)}</script>
        ${element("script", library)} ${element("script", script)}
      </body>
    </html>`.text;
}

/** Ours, and as it is: its digest is in the policy. */
function element(name: "style" | "script", content: string): Html {
  return new Html(`<${name}>${content}</${name}>`);
}

/** As a policy names what it lets run: by the digest of just what stands in the element. */
function hash(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

function renderParts(data: ReportData): { body: Html[]; page: PageData } {
  const { figures, time } = data;
  const hasEnded = figures.succeeded + figures.failed > 0;
  const isOverTime = time.succeeded.length > 0;
  const overTime: Chart[] = isOverTime ? [chartCalls(data)] : [];
  if (time.failed.some((count) => count > 0)) overTime.push(chartFailed(data));
  const latency: Chart[] = [];
  if (isOverTime && time.max.some((each) => each !== null)) latency.push(chartLatency(data));
  if (data.latency.bins.length > 0) latency.push(chartDistribution(data));
  const lanes = chartLanes(data);
  const body = [
    renderHead(data),
    renderFigures(data),
    overTime.length > 0
      ? markup`<section id="over-time">
          <h2>Over time</h2>
          ${overTime.map(renderChart)}${renderOutside(data)}
        </section>`
      : markup`<section>
          <h2>Over time</h2>
          <p>${hasEnded ? "No call has a known time." : "No call has ended yet."}</p>
          ${renderOutside(data)}
        </section>`,
    ...(data.failures.length > 0 ? [renderFailures(data)] : []),
    ...(latency.length > 0
      ? [
          markup`<section id="latency">
            <h2>Latency</h2>
            <div class="pair">${latency.map(renderChart)}</div>
          </section>`,
        ]
      : []),
    ...(data.lanes.length > 0 ? [renderLanes(data, lanes)] : []),
    ...(data.attempts.length > 0
      ? [
          markup`<section id="attempts">
            <h2>Attempts</h2>
            ${renderAttempts(data)}
          </section>`,
        ]
      : []),
    ...(data.slowest.length > 0
      ? [
          markup`<section id="slowest">
            <h2>Slowest calls</h2>
            ${renderCalls(data.slowest, ["latency", "result", "time"])}
          </section>`,
        ]
      : []),
    renderSettings(data),
    renderFoot(data),
  ];
  const charts = [...overTime, ...latency, ...lanes.flatMap((lane) => lane.charts)];
  return {
    body,
    page: {
      startAt: Date.parse(time.startAt),
      binMs: time.binMs,
      charts: charts.map(({ spec }) => spec),
    },
  };
}

function renderHead({ figures, createdAt, why }: ReportData): Html {
  const { word, mood } = nameState(figures.state, figures.failed);
  const unfinished = describeUnfinished(figures.state);
  return markup`<header>
    <p class="eyebrow">senpu report</p>
    <h1><bdi>${figures.name}</bdi> <span class="badge ${mood}">${word}</span></h1>
    <p class="lead">${describeState(figures)}.${why !== null && markup` <bdi>${why}</bdi>`}</p>
    ${unfinished !== undefined && markup`<p class="note">${unfinished}</p>`}
    <p class="quiet">
      Run <code>${figures.run}</code> · begun
      ${renderTime(createdAt, true)}${figures.parent !== null && markup` · replays <code>${figures.parent}</code>`}
    </p>
  </header>`;
}

function renderFailures(data: ReportData): Html {
  const hidden = data.failures.slice(CAUSES_SHOWN);
  const count = hidden.reduce((sum, failure) => sum + failure.count, 0);
  return markup`<section id="failures">
    <h2>Why calls failed</h2>
    ${data.replay !== null && markup`<p class="paste">All failed calls again: <code>${data.replay}</code></p>`}
    ${data.failures.slice(0, CAUSES_SHOWN).map((failure) => renderFailure(failure, data))}
    ${hidden.length > 0 && markup`<p>And ${formatCount(count)} more, of ${formatCount(hidden.length)} other kinds.</p>`}
  </section>`;
}

function renderSettings({ settings, history }: ReportData): Html {
  return markup`<section id="settings" class="pair">
    <div>
      <h2>Settings</h2>
      <dl class="settings">
        ${settings.map(
          ({ name, value }) =>
            markup`<div>
              <dt>${name}</dt>
              <dd><bdi>${value}</bdi></dd>
            </div>`,
        )}
      </dl>
    </div>
    <div>
      <h2>What happened</h2>
      <ol class="history">
        ${history.map(
          ({ at, what, by, lastedMs }) =>
            markup`<li>
              ${renderTime(at, true)}
              <b>${what}</b>${lastedMs !== undefined && markup` for ${formatDuration(lastedMs)}`}
              <span class="quiet">by <bdi>${by}</bdi></span>
            </li>`,
        )}
      </ol>
    </div>
  </section>`;
}

function renderOutside({ time }: ReportData): Html | false {
  return (
    time.outside > 0 &&
    markup`<p class="quiet">
      ${formatCount(time.outside)} calls have times outside of the run, because a clock was wrong;
      they are in no chart over time.
    </p>`
  );
}

function renderFoot({ madeAt, time }: ReportData): Html {
  return markup`<footer>
    <noscript
      ><p class="note">
        The charts need the scripts in this page, which this browser does not run.
      </p></noscript
    >
    <p class="quiet">
      Made ${renderTime(madeAt, true)}<span id="zone"></span>. Latency is of a call's last attempt.
      Percentiles over time are read from bins and right within 3 %. One value every
      ${formatBin(time.binMs)}. Credentials in the queries of URLs are masked; values of headers are
      left out.
    </p>
    <p class="quiet">Charts by uPlot, © Leon Sorokin, MIT licence, kept in this page's source.</p>
  </footer>`;
}
