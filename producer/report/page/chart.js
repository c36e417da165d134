// A chart of the page.

import uPlot from "uplot";
import { formatClock, formatDay, formatLatency, formatNumber, splitDecades } from "./format.js";
import { tooltipPlugin } from "./tooltip.js";

/** @import { ChartSpec, PageData, SeriesSpec } from "../chart-specs.ts" */

const BARS = /** @type {NonNullable<uPlot.Series.BarsPathBuilderFactory>} */ (uPlot.paths.bars)({
  size: [0.92, 60],
});
const FONT = "12px system-ui, sans-serif";
const FOLLOW = "time";
/** uPlot's `Distr.Logarithmic`, a name that only its types have. */
const LOGARITHMIC = /** @type {uPlot.Scale.Distr} */ (/** @type {unknown} */ (3));

/**
 * @param {ChartSpec} spec
 * @param {PageData} page
 * @param {(name: string) => string} colorOf
 * @param {HTMLElement} place
 */
export function drawChart(spec, page, colorOf, place) {
  const values = spec.series.map((series) => series.values);
  const isTime = spec.x === "time";
  const xs = (spec.edges ?? values[0] ?? []).map((edge, index) =>
    isTime ? (page.startAt + (index + 0.5) * page.binMs) / 1000 : Math.log10(Number(edge)),
  );
  const width = Math.max(200, place.clientWidth);
  /** @type {uPlot.Options} */
  const options = {
    width,
    height: spec.id === "failures" ? 150 : width < 420 ? 190 : 240,
    // Room for the labels of marks.
    padding: [18, isTime ? 12 : 30, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: false, y: false },
      points: { show: spec.series.every(({ style }) => style !== "bars") },
      ...(isTime && { sync: { key: FOLLOW } }),
    },
    scales: { x: xScale(spec, page), y: yScale(spec) },
    axes: [xAxis(spec, colorOf), yAxis(spec, colorOf)],
    series: [{}, ...spec.series.map((series) => toSeries(series, colorOf))],
    hooks: { draw: [(u) => drawMarks(u, spec, colorOf)] },
    plugins: [tooltipPlugin(spec, page, colorOf)],
  };
  const data = /** @type {uPlot.AlignedData} */ ([isTime ? xs : middles(xs), ...values]);
  return new uPlot(options, data, place);
}

/** Of edges. @param {number[]} edges */
function middles(edges) {
  return edges.slice(1).map((edge, index) => (edge + (edges[index] ?? edge)) / 2);
}

/** @param {ChartSpec} spec @param {PageData} page @returns {uPlot.Scale} */
function xScale(spec, page) {
  if (spec.edges !== undefined) {
    const edges = spec.edges;
    return {
      time: false,
      range: () => [Math.log10(edges[0] ?? 1), Math.log10(edges[edges.length - 1] ?? 10)],
    };
  }
  const bins = spec.series[0]?.values.length ?? 1;
  const from = page.startAt / 1000;
  return { time: true, range: () => [from, from + (bins * page.binMs) / 1000] };
}

/** @param {ChartSpec} spec @returns {uPlot.Scale} */
function yScale(spec) {
  if (spec.y === "latency") {
    return {
      distr: LOGARITHMIC,
      range: (_u, min, max) => [roundDown(min ?? 1), roundUp(max ?? 10)],
    };
  }
  const marked = spec.x === "latency" ? [] : spec.marks.map(({ value }) => value);
  return { range: (_u, _min, max) => [0, Math.max(1e-9, max ?? 0, ...marked) * 1.08] };
}

/** To 1, 2 or 5 of its decade. @param {number} value */
function roundDown(value) {
  const decade = 10 ** Math.floor(Math.log10(value));
  return decade * ([5, 2, 1].find((digit) => digit * decade <= value) ?? 1);
}

/** @param {number} value */
function roundUp(value) {
  const decade = 10 ** Math.floor(Math.log10(value));
  return decade * ([1, 2, 5].find((digit) => digit * decade >= value) ?? 10);
}

/** @param {ChartSpec} spec @param {(name: string) => string} colorOf @returns {uPlot.Axis} */
function xAxis(spec, colorOf) {
  const look = {
    stroke: colorOf("ink"),
    font: FONT,
    grid: { show: false },
    ticks: { stroke: colorOf("rule"), size: 4 },
    size: 28,
  };
  if (spec.edges === undefined) return { ...look, space: 70, values: timeLabels };
  return {
    ...look,
    splits: (u, _axis, min, max) =>
      splitDecades(10 ** min, 10 ** max, (u.width - 90) / 48).map(Math.log10),
    values: (_u, splits) => splits.map((split) => formatLatency(10 ** split)),
  };
}

/** @param {uPlot} _u @param {number[]} splits @param {number} _axis @param {number} _space @param {number} step */
function timeLabels(_u, splits, _axis, _space, step) {
  return splits.map((split) => {
    const date = new Date(split * 1000);
    if (step >= 86_400) return formatDay(date).slice(5);
    if (step < 1) return `${formatClock(date)}.${Math.round((split % 1) * 10)}`;
    return step < 60 ? formatClock(date) : formatClock(date).slice(0, 5);
  });
}

/** @param {ChartSpec} spec @param {(name: string) => string} colorOf @returns {uPlot.Axis} */
function yAxis(spec, colorOf) {
  const isLatency = spec.y === "latency";
  return {
    stroke: colorOf("ink"),
    font: FONT,
    grid: { stroke: colorOf("grid"), width: 1 },
    ticks: { show: false },
    size: 58,
    gap: 6,
    space: 36,
    values: (_u, splits) => splits.map((split) => nameY(spec, split)),
    ...(isLatency && {
      splits: (u, _axis, min, max) => splitDecades(min, max, (u.height - 46) / 18),
      // uPlot's own would leave out all but powers of ten.
      filter: (_u, splits) => splits,
    }),
  };
}

/** @param {ChartSpec} spec @param {number | null} value */
function nameY(spec, value) {
  if (value === null) return "";
  if (spec.y === "latency") return formatLatency(value);
  return spec.y === "perSecond" ? `${formatNumber(value)}/s` : formatNumber(value);
}

/** @param {SeriesSpec} series @param {(name: string) => string} colorOf @returns {uPlot.Series} */
function toSeries({ label, color, style, dash }, colorOf) {
  const stroke = colorOf(color);
  if (style === "bars") {
    return {
      label,
      fill: stroke,
      width: 0,
      points: { show: false },
      paths: BARS,
    };
  }
  return {
    label,
    stroke,
    width: 1.75,
    ...(dash && { dash: [...dash] }),
    // A single value would be no line.
    points: { show: (u) => u.data[0].length < 3, size: 5, fill: stroke },
    ...(style === "area" && { fill: `${stroke}26` }),
  };
}

/** Limits and percentiles. @param {uPlot} u @param {ChartSpec} spec @param {(name: string) => string} colorOf */
function drawMarks(u, spec, colorOf) {
  const { ctx, bbox } = u;
  const scale = uPlot.pxRatio;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colorOf("mark");
  ctx.lineWidth = 1.25 * scale;
  ctx.setLineDash([5 * scale, 4 * scale]);
  ctx.font = `600 ${11 * scale}px system-ui, sans-serif`;
  ctx.textBaseline = "bottom";
  let freeFrom = -Infinity;
  for (const { value, label } of spec.marks) {
    ctx.beginPath();
    if (spec.x === "latency") {
      const x = u.valToPos(Math.log10(value), "x", true);
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      const half = ctx.measureText(label).width / 2;
      // Labels that would stand on each other move on.
      const at = Math.max(x, freeFrom + half + 4 * scale);
      freeFrom = at + half;
      ctx.textAlign = "center";
      ctx.fillText(label, at, bbox.top - 3 * scale);
    } else {
      const y = u.valToPos(value, "y", true);
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.textAlign = "right";
      ctx.fillText(`${label} ${nameY(spec, value)}`, bbox.left + bbox.width, y - 3 * scale);
    }
    ctx.stroke();
  }
  ctx.restore();
}
