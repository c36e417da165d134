import { formatUsd, totalUsd } from "../../shared/cost/bill.ts";
import type { CostItem } from "../../shared/cost/bill.ts";
import { pricesOf, seenBetween } from "../../shared/cost/prices.ts";
import { plainLine, wrap } from "../../shared/terminal/fit.ts";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatForecast,
  formatPercent,
  formatQuantity,
} from "../../shared/terminal/format.ts";
import { renderTable } from "../../shared/terminal/table.ts";
import type { Survey } from "../plan/survey.ts";
import type { Cost } from "./deployed.ts";
import type { Forecast, LaneForecast } from "./forecast.ts";
import { durationAt } from "./forecast.ts";
import type { Preflight } from "./preflight.ts";
import { renderLanes } from "./render-lanes.ts";
import type { Finding } from "./quotas.ts";

/** The pre-flight as a person reads it; nothing but curl lines is wider than `columns`. */
export function renderPreflight(told: Preflight, columns: number): string {
  const { survey, forecast, cost, findings, first } = told;
  const lines = [
    ...wrap(headline(survey), columns),
    ...(survey.calls === survey.invalid ? [] : wrap(expectation(forecast), columns)),
    ...(survey.lanes.length === 0 ? [] : ["", ...renderLanes(told, columns), ""]),
    ...explain(told).flatMap((text) => wrap(plainLine(text), columns)),
    ...(cost.items.length === 0 ? [] : ["", ...renderCost(cost, columns)]),
    ...(findings.length === 0 ? [] : ["", ...renderFindings(findings, columns)]),
    ...(first.length === 0
      ? []
      : ["", "The first calls:", ...first.map(({ curl }) => `  ${plainLine(curl)}`)]),
  ];
  return `${lines.join("\n")}\n`;
}

/** Undefined: the run may begin. */
export function refusal({ survey, forecast }: Preflight): string | undefined {
  if (forecast.fits || forecast.boundMs === null) return undefined;
  return `the limits allow ${formatForecast(forecast.boundMs)} at the least, and the plan's deadline is ${formatDuration(survey.deadlineMs)}: calls would expire. Raise defaults.deadline, or the limits`;
}

function headline({ name, calls, messages, bytes }: Survey): string {
  return `${plainLine(name)}: ${formatQuantity(calls, "call")} in ${formatQuantity(messages, "message")}, ${formatBytes(bytes)}`;
}

function expectation({ durationMs, lanes, total }: Forecast): string {
  const longest = lanes.reduce<LaneForecast | undefined>(
    (most, lane) => (most === undefined || lane.durationMs > most.durationMs ? lane : most),
    undefined,
  );
  const isTotal = total !== null && total.durationMs > (longest?.durationMs ?? 0);
  const by = isTotal ? total.by : longest?.by;
  const whose = isTotal ? "total" : lanes.length > 1 ? `lane ${longest?.lane}` : "its lane";
  const why = by === "latency" ? "" : `, held back by the ${by} of ${whose}`;
  return `Expected to take ${formatForecast(durationMs)}${why}.`;
}

/** What the durations rest on. */
function explain({ survey, forecast, blocked }: Preflight): string[] {
  const { lanes } = forecast;
  const texts = lanes.flatMap(({ lane, basis, known }) => {
    if (basis !== "ledger" || known === null) return [];
    const rest =
      known.share === 1 ? "" : `, whose origins take ${formatPercent(known.share)} of its calls`;
    return [
      `${lane}: as ${formatQuantity(known.calls, "call")} of ${formatQuantity(known.runs, "earlier run")}${rest}.`,
    ];
  });
  const assumed = lanes.filter(({ basis }) => basis === "assumed");
  if (assumed.length > 0) {
    const names = assumed.map(({ lane }) => lane).join(", ");
    texts.push(
      `${names}: no earlier calls are known, so ${formatDuration(assumed[0]!.latencyMs)} a call is assumed; at 50 ms the run takes ${formatForecast(durationAt(survey, forecast, 50))}, at 1 s ${formatForecast(durationAt(survey, forecast, 1_000))}. --latency says otherwise.`,
    );
  }
  if (survey.lanes.some(({ minConcurrency }) => minConcurrency !== null)) {
    texts.push("Lanes that adapt are taken at the most that they may have in flight.");
  }
  for (const { origin, calls, reason } of blocked) {
    texts.push(`${formatQuantity(calls, "call")} to ${origin} would be blocked: ${reason}.`);
  }
  if (survey.invalid > 0) {
    const are = survey.invalid === 1 ? "is no call" : "are no calls";
    texts.push(
      `${formatQuantity(survey.invalid, "row")} ${are} and would fail as invalid; the first: ${survey.firstInvalid}`,
    );
  }
  return texts;
}

function renderCost({ region, hasLedger, items }: Cost, columns: number): string[] {
  const prices = pricesOf(region);
  const seen = prices === undefined ? undefined : seenBetween(prices);
  return [
    `On AWS, in ${region}: ${formatUsd(totalUsd(items))}`,
    ...renderItems(items, columns),
    ...wrap(
      `Prices seen ${seen?.oldest} to ${seen?.newest}, before tax and free tiers; ${hasLedger ? "with a ledger, whose database is paid for by the hour, run or no run" : "without a ledger"}.`,
      columns,
    ),
  ];
}

/** Items that are worth a line; the others together are told in one. */
const LEAST_USD = 0.005;

function renderItems(items: readonly CostItem[], columns: number): string[] {
  const worth = items.filter(({ usd }) => usd >= LEAST_USD);
  if (worth.length === 0) return [];
  return renderTable(
    [
      { title: "service" },
      { title: "for", cut: "end" },
      { title: "quantity", align: "right" },
      { title: "of", cut: "end" },
      { title: "cost", align: "right" },
    ],
    [...worth]
      .sort((a, b) => b.usd - a.usd)
      .map(({ service, what, quantity, unit, usd }) => [
        service,
        what,
        formatAmount(quantity),
        unit,
        formatUsd(usd),
      ]),
    columns,
  );
}

/** `1,240`, `3.2`, `0.04` */
function formatAmount(quantity: number): string {
  if (quantity >= 100 || Number.isInteger(quantity)) return formatCount(quantity);
  return String(Number(quantity.toPrecision(2)));
}

function renderFindings(findings: readonly Finding[], columns: number): string[] {
  return [
    "What would bite on AWS:",
    ...findings.flatMap(({ lane, text }) =>
      wrap(plainLine(lane === null ? text : `lane ${lane}: ${text}`), columns - 4).map(
        (line, index) => (index === 0 ? `  ${line}` : `    ${line}`),
      ),
    ),
  ];
}
