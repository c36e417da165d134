// Draws the charts, and draws them anew where the page's width, its colours or its paper change.

import { drawChart } from "./chart.js";
import { formatClock, formatDay } from "./format.js";

/** @import { PageData } from "../chart-specs.ts" */

/** @type {PageData} */
const page = JSON.parse(document.getElementById("data")?.textContent ?? "{}");
/** @type {{ chart: ReturnType<typeof drawChart>, place: HTMLElement }[]} */
let drawn = [];

/** Of the style sheet, as it holds now. @param {string} name */
function colorOf(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function drawAll() {
  for (const { chart } of drawn) chart.destroy();
  drawn = [];
  for (const spec of page.charts) {
    const place = document.getElementById(`chart-${spec.id}`);
    if (place === null) continue;
    drawn.push({ chart: drawChart(spec, page, colorOf, place), place });
  }
}

function fitAll() {
  for (const { chart, place } of drawn) {
    const width = Math.max(200, place.clientWidth);
    if (Math.abs(width - chart.width) >= 1) chart.setSize({ width, height: chart.height });
  }
}

function showTimes() {
  for (const time of document.querySelectorAll("time")) {
    const date = new Date(time.dateTime);
    const clock = formatClock(date);
    time.textContent = time.classList.contains("day") ? `${formatDay(date)} ${clock}` : clock;
    time.title = time.dateTime;
  }
  const zone = document.getElementById("zone");
  if (zone !== null) {
    zone.textContent = `; times are in ${Intl.DateTimeFormat().resolvedOptions().timeZone}`;
  }
}

showTimes();
drawAll();
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
let fitting = 0;
window.addEventListener("resize", () => {
  cancelAnimationFrame(fitting);
  fitting = requestAnimationFrame(fitAll);
});
window.addEventListener("beforeprint", () => {
  document.documentElement.dataset["paper"] = "";
  drawAll();
});
window.addEventListener("afterprint", () => {
  delete document.documentElement.dataset["paper"];
  drawAll();
});
