import { createPaint } from "./color.ts";
import type { Paint } from "./color.ts";
import { cutEnd, plainLine, widthOf } from "./fit.ts";
import {
  formatCount,
  formatDuration,
  formatForecast,
  formatPercent,
  formatQuantity,
  formatRate,
} from "./format.ts";
import { recentRate, timeLeftMs } from "./rate-history.ts";
import type { RateHistory } from "./rate-history.ts";

/** What a run does at this moment. */
export interface ProgressSnapshot {
  readonly name: string;
  readonly run: string;
  /** Since the run began. */
  readonly elapsedMs: number;
  readonly planned: number;
  /** Whether `planned` is the whole run: only then there is a bar and a time left. */
  readonly plannedIsFinal: boolean;
  readonly succeeded: number;
  readonly failed: number;
  readonly pending: number;
  readonly lanes: readonly LaneProgress[];
  /** What the whole run waits for, if anything: `waiting for a recorder`. */
  readonly note?: string;
}

export interface LaneProgress {
  readonly lane: string;
  readonly inFlight: number;
  /** Calls at hand that wait for a slot or their time. */
  readonly waiting: number;
  /** Calls that may be in flight; null where nobody said. */
  readonly limit: number | null;
  /** What keeps more of its calls from starting, as it was meant: `rate 20/s` */
  readonly bound?: string;
  /** What is not as it was meant: `closed 12 s: 429` */
  readonly note?: string;
}

/** More lanes than this would push the rest off the screen: the busiest are shown. */
const LANES_SHOWN = 6;
const BAR_WIDTH = 30;
/** `12,345/s · about 10 h 50 m left` */
const PACE_WIDTH = 31;

/** The few lines that are redrawn in place, each within `width` columns. */
export function renderProgress(
  snapshot: ProgressSnapshot,
  history: RateHistory,
  width: number,
  color: boolean,
): string[] {
  const paint = createPaint(color);
  const lines = [
    renderTitle(snapshot, width, paint),
    renderWhole(snapshot, history, width, paint),
    renderTally(snapshot, width, paint),
    ...renderLanes(snapshot.lanes, width, paint),
  ];
  if (snapshot.note !== undefined) {
    lines.push(paint.yellow(cutEnd(plainLine(snapshot.note), width)));
  }
  return lines;
}

/** The same on one line, for a log. */
export function renderProgressLine(snapshot: ProgressSnapshot, history: RateHistory): string {
  const inFlight = snapshot.lanes.reduce((sum, lane) => sum + lane.inFlight, 0);
  return joinParts([
    plainLine(snapshot.name),
    `${formatCount(doneOf(snapshot))} of ${plannedText(snapshot)}`,
    snapshot.failed > 0 ? `${formatCount(snapshot.failed)} failed` : undefined,
    rateText(history),
    timeLeftText(snapshot, history),
    inFlight > 0 ? `${formatCount(inFlight)} in flight` : undefined,
    formatDuration(snapshot.elapsedMs),
    laneWords(snapshot.lanes),
    snapshot.note === undefined ? undefined : plainLine(snapshot.note),
  ]);
}

function renderTitle(snapshot: ProgressSnapshot, width: number, paint: Paint): string {
  const since = formatDuration(snapshot.elapsedMs);
  const run = ` · run ${snapshot.run} · ${since}`;
  const name = cutEnd(plainLine(snapshot.name), Math.max(8, width - widthOf(run)));
  const rest = cutEnd(run, Math.max(0, width - widthOf(name)));
  return paint.bold(name) + paint.dim(rest);
}

function renderWhole(
  snapshot: ProgressSnapshot,
  history: RateHistory,
  width: number,
  paint: Paint,
): string {
  const share = snapshot.planned === 0 ? 0 : doneOf(snapshot) / snapshot.planned;
  const planned = plannedText(snapshot);
  const done = formatCount(doneOf(snapshot)).padStart(formatCount(snapshot.planned).length);
  const count = `${done} of ${planned}`;
  const pace = joinParts([rateText(history), timeLeftText(snapshot, history)]);
  if (!snapshot.plannedIsFinal) return cutEnd(joinParts([count.trimStart(), pace]), width);
  const words = joinParts([formatPercent(share).padStart(5), count, pace]);
  // As if pace and time left were at their widest: a bar that changes its width seems to move.
  const reserved = Math.max(widthOf(words), `100 % · ${count} · `.length + PACE_WIDTH);
  const barWidth = Math.min(BAR_WIDTH, width - reserved - 1);
  if (barWidth < 8) return cutEnd(words.trimStart(), width);
  return `${renderBar(snapshot, barWidth, paint)} ${words}`;
}

/** Done in full blocks, failed among them in red and at the end, the rest in light ones. */
function renderBar(snapshot: ProgressSnapshot, width: number, paint: Paint): string {
  const columnsFor = (count: number): number =>
    snapshot.planned === 0 ? 0 : (count / snapshot.planned) * width;
  const done = Math.min(width, Math.floor(columnsFor(doneOf(snapshot))));
  // A single failure among a million is still worth seeing.
  const failed =
    snapshot.failed === 0
      ? 0
      : Math.min(done, Math.max(1, Math.round(columnsFor(snapshot.failed))));
  return (
    paint.green("█".repeat(done - failed)) +
    paint.red("█".repeat(failed)) +
    paint.dim("░".repeat(width - done))
  );
}

function renderTally(snapshot: ProgressSnapshot, width: number, paint: Paint): string {
  const cancelled = doneOf(snapshot) - snapshot.succeeded - snapshot.failed;
  const parts: [text: string, paintPart: (text: string) => string][] = [
    [`${formatCount(snapshot.succeeded)} succeeded`, paint.green],
    [`${formatCount(snapshot.failed)} failed`, snapshot.failed > 0 ? paint.red : paint.dim],
    [`${formatCount(snapshot.pending)} to come`, (text) => text],
  ];
  if (cancelled > 0) parts.push([`${formatCount(cancelled)} cancelled`, paint.yellow]);
  const plain = parts.map(([text]) => text).join(" · ");
  if (widthOf(plain) > width) return cutEnd(plain, width);
  return parts.map(([text, paintPart]) => paintPart(text)).join(" · ");
}

function renderLanes(lanes: readonly LaneProgress[], width: number, paint: Paint): string[] {
  const shown =
    lanes.length <= LANES_SHOWN
      ? lanes
      : lanes
          .toSorted((a, b) => b.inFlight + b.waiting - (a.inFlight + a.waiting))
          .slice(0, LANES_SHOWN);
  const nameWidth = Math.min(24, Math.max(0, ...shown.map((lane) => widthOf(lane.lane))));
  const inFlightWidth = Math.max(0, ...shown.map((lane) => inFlightText(lane).length));
  const lines = shown.map((lane) => {
    const name = cutEnd(lane.lane, nameWidth).padEnd(nameWidth);
    const inFlight = inFlightText(lane).padStart(inFlightWidth);
    const waiting = lane.waiting > 0 ? `${formatCount(lane.waiting)} waiting` : undefined;
    const note = lane.note === undefined ? undefined : plainLine(lane.note);
    const line = cutEnd(`  ${name}  ${joinParts([inFlight, waiting, lane.bound, note])}`, width);
    if (lane.note !== undefined) return paint.yellow(line);
    return lane.inFlight + lane.waiting === 0 ? paint.dim(line) : line;
  });
  const hidden = lanes.length - shown.length;
  if (hidden > 0) {
    lines.push(paint.dim(cutEnd(`  and ${formatQuantity(hidden, "quieter lane")}`, width)));
  }
  return lines;
}

/** What holds up a lane, named where there are several. */
function laneWords(lanes: readonly LaneProgress[]): string | undefined {
  const held = lanes
    .map(({ lane, note, bound }) => ({ lane, words: note ?? bound }))
    .find(({ words }) => words !== undefined);
  if (held?.words === undefined) return undefined;
  const words = plainLine(held.words);
  return lanes.length === 1 ? words : `${held.lane}: ${words}`;
}

function inFlightText(lane: LaneProgress): string {
  const inFlight = formatCount(lane.inFlight);
  return lane.limit === null
    ? `${inFlight} in flight`
    : `${inFlight} of ${formatCount(lane.limit)} in flight`;
}

function doneOf(snapshot: ProgressSnapshot): number {
  return Math.max(0, snapshot.planned - snapshot.pending);
}

function plannedText(snapshot: ProgressSnapshot): string {
  return snapshot.plannedIsFinal
    ? formatQuantity(snapshot.planned, "call")
    : `${formatQuantity(snapshot.planned, "call")} read so far`;
}

function rateText(history: RateHistory): string | undefined {
  const rate = recentRate(history);
  // A decimal that changes ten times a second tells nobody anything.
  return rate === undefined ? undefined : formatRate(rate < 10 ? rate : Math.round(rate));
}

function timeLeftText(snapshot: ProgressSnapshot, history: RateHistory): string | undefined {
  if (!snapshot.plannedIsFinal || snapshot.pending === 0) return undefined;
  const leftMs = timeLeftMs(history, snapshot.pending);
  return leftMs === undefined ? undefined : `${formatForecast(leftMs)} left`;
}

function joinParts(parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== "").join(" · ");
}
