import { formatCount, formatDuration, formatPercent } from "../../shared/terminal/format.ts";
import { nameCause } from "../../shared/terminal/causes.ts";
import type { Chart } from "./chart-specs.ts";
import { markup } from "./html.ts";
import type { Html } from "./html.ts";
import type { CallData, FailureData, ReportData } from "./report-data.ts";

/** The parts of the page that are lists and tables. */

export function renderChart({ spec, title, says }: Chart): Html {
  const legend =
    spec.series.length > 1 &&
    markup`<ul class="legend">
      ${spec.series.map(({ label, color }) => markup`<li><i class="key ${color}"></i>${label}</li>`)}
    </ul>`;
  return markup`<figure>
    <figcaption>
      <h3>${title}</h3>
      ${legend}
      <p>${says}</p>
    </figcaption>
    <div class="chart" id="chart-${spec.id}" role="img" aria-label="${title}. ${says}"></div>
  </figure>`;
}

/** A bar of a share, 0–1; the number stands beside it, so that it needs no words. */
function bar(share: number, color: string): Html {
  const width = Math.max(0, Math.min(100, share * 100)).toFixed(2);
  return markup`<svg class="bar" aria-hidden="true">
    <rect class="${color}" width="${width}%" height="100%"></rect>
  </svg>`;
}

export function renderAttempts({ attempts, figures }: ReportData): Html {
  const most = Math.max(...attempts.map(({ succeeded, failed }) => succeeded + failed));
  const ended = figures.succeeded + figures.failed;
  return markup`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th scope="col">Attempts</th>
          <th scope="col" class="number">Calls</th>
          <th scope="col" class="number">Share</th>
          <th scope="col" class="number">Succeeded</th>
          <th scope="col" class="number">Failed</th>
          <th class="wide"></th>
        </tr>
      </thead>
      <tbody>
        ${attempts.map(({ attempts: count, andMore, succeeded, failed }) => {
          const calls = succeeded + failed;
          return markup`<tr>
            <th scope="row">${nameAttempts(count, andMore)}</th>
            <td class="number">${formatCount(calls)}</td>
            <td class="number">${formatPercent(calls / Math.max(1, ended))}</td>
            <td class="number">${formatCount(succeeded)}</td>
            <td class="number">${formatCount(failed)}</td>
            <td class="wide">${bar(calls / most, "good")}</td>
          </tr>`;
        })}
      </tbody>
    </table>
  </div>`;
}

function nameAttempts(count: number, andMore: boolean): string {
  if (count === 0) return "never made";
  return andMore ? `${count} and more` : String(count);
}

export function renderFailure(failure: FailureData, data: ReportData): Html {
  const { figures } = data;
  const facts = [
    `${formatPercent(failure.count / Math.max(1, figures.failed))} of the failures`,
    ...(failure.lanes.length > 0 && data.lanes.length > 1
      ? [failure.lanes.map(({ lane, count }) => `${lane} ${formatCount(count)}`).join(", ")]
      : []),
  ];
  return markup`<article class="cause">
    <h3>
      <span class="count">${formatCount(failure.count)}</span>
      ${nameCause(failure.reason, failure.status)}
    </h3>
    ${bar(failure.count / Math.max(1, figures.failed), "bad")}
    <p>
      ${capitalize(failure.means)}.
      <span class="quiet">${facts.join(" · ")}${renderWhen(failure)}</span>
    </p>
    ${
      failure.errors.length > 0 &&
      markup`<ul class="errors">
        ${failure.errors.map(
          ({ error, count }) =>
            markup`<li><bdi>${error}</bdi> <span class="quiet">×${formatCount(count)}</span></li>`,
        )}
      </ul>`
    }
    ${failure.examples.length > 0 && renderCalls(failure.examples, ["time"])}
    <p class="paste">Make them again: <code>${failure.replay}</code></p>
    ${failure.isWider && markup`<p class="quiet">This line means all that are ${failure.reason}, those with an answer too.</p>`}
  </article>`;
}

function renderWhen({ firstAt, lastAt }: FailureData): Html | false {
  if (firstAt === null || lastAt === null) return false;
  if (firstAt === lastAt) return markup` · at ${renderTime(firstAt)}`;
  return markup` · from ${renderTime(firstAt)} to ${renderTime(lastAt)}`;
}

/** In UTC, until the page's script has put it into the reader's zone. */
export function renderTime(at: string, day = false): Html {
  const text = day ? `${at.slice(0, 10)} ${at.slice(11, 19)} UTC` : `${at.slice(11, 19)} UTC`;
  return markup`<time datetime="${at}" ${day && markup` class="day"`}>${text}</time>`;
}

type Optional = "time" | "latency" | "result";

export function renderCalls(calls: readonly CallData[], columns: readonly Optional[]): Html {
  const has = (column: Optional): boolean => columns.includes(column);
  return markup`<div class="scroll">
    <table class="calls">
      <thead>
        <tr>
          ${has("latency") && markup`<th scope="col" class="number">Latency</th>`}
          <th scope="col">Call</th>
          ${has("result") && markup`<th scope="col">Result</th>`}
          <th scope="col" class="number">Attempts</th>
          ${has("time") && markup`<th scope="col">Ended</th>`}
          <th scope="col">Lane</th>
        </tr>
      </thead>
      <tbody>
        ${calls.map(
          (call) =>
            markup`<tr>
              ${has("latency") && markup`<td class="number">${call.latencyMs === null ? "" : formatDuration(call.latencyMs)}</td>`}
              <td class="call">
                <b><bdi>${call.id}</bdi></b
                ><br /><code>${call.method} <bdi>${call.url}</bdi></code>
              </td>
              ${has("result") && markup`<td>${nameResult(call)}</td>`}
              <td class="number">${formatCount(call.attempts)}</td>
              ${has("time") && markup`<td>${call.settledAt !== null && renderTime(call.settledAt)}</td>`}
              <td><bdi>${call.lane}</bdi></td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function nameResult({ state, reason, status }: CallData): string {
  const word = state === "failed" ? (reason ?? state) : state;
  return status === null ? word : `${word} ${status}`;
}

function capitalize(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
