// What stands at the cursor, in words.

import { formatClock, formatLatency, formatNumber, formatSince } from "./format.js";

/** @import { ChartSpec, PageData, SeriesSpec } from "../chart-specs.ts" */
/** @import uPlot from "uplot" */

/**
 * @param {ChartSpec} spec
 * @param {PageData} page
 * @param {(name: string) => string} colorOf
 * @returns {uPlot.Plugin}
 */
export function tooltipPlugin(spec, page, colorOf) {
  const box = document.createElement("div");
  box.className = "tooltip";
  box.hidden = true;
  return {
    hooks: {
      init: (u) => {
        u.over.append(box);
        u.over.addEventListener("mouseleave", () => (box.hidden = true));
      },
      setCursor: (u) => {
        const { idx, left = -1, top = 0 } = u.cursor;
        // Charts that only follow another's cursor say nothing.
        box.hidden = idx === null || idx === undefined || left < 0 || !u.over.matches(":hover");
        if (box.hidden || idx === null || idx === undefined) return;
        box.replaceChildren(...tooltipLines(spec, page, idx, colorOf));
        const room = u.over.clientWidth - box.offsetWidth;
        const beside = left + 14 > room ? left - box.offsetWidth - 14 : left + 14;
        box.style.left = `${Math.max(0, Math.min(room, beside))}px`;
        box.style.top = `${Math.max(0, Math.min(u.over.clientHeight - box.offsetHeight, top + 10))}px`;
      },
    },
  };
}

/**
 * @param {ChartSpec} spec
 * @param {PageData} page
 * @param {number} index
 * @param {(name: string) => string} colorOf
 */
function tooltipLines(spec, page, index, colorOf) {
  const head = document.createElement("b");
  head.textContent = tooltipHead(spec, page, index);
  const lines = spec.series.map((series) => {
    const line = document.createElement("div");
    const key = document.createElement("i");
    key.className = "key";
    key.style.background = colorOf(series.color);
    line.append(key, `${series.label} ${tooltipValue(spec, series, index)}`);
    return line;
  });
  return [head, ...lines];
}

/** @param {ChartSpec} spec @param {SeriesSpec} series @param {number} index */
function tooltipValue(spec, series, index) {
  let value = series.values[index];
  if (value === null || value === undefined) return "–";
  // Failures are drawn over the sum of both.
  const failed = spec.id === "calls" && series.label === "succeeded" ? spec.series[1] : undefined;
  if (failed !== undefined) value -= failed.values[index] ?? 0;
  if (spec.y === "latency") return formatLatency(value);
  return spec.y === "perSecond" ? `${formatNumber(value)}/s` : formatNumber(value);
}

/** @param {ChartSpec} spec @param {PageData} page @param {number} index */
function tooltipHead(spec, page, index) {
  if (spec.edges !== undefined) {
    return `${formatLatency(spec.edges[index] ?? 0)} – ${formatLatency(spec.edges[index + 1] ?? 0)}`;
  }
  const sinceMs = index * page.binMs;
  return `${formatClock(new Date(page.startAt + sinceMs))}, ${formatSince(sinceMs)} in`;
}
