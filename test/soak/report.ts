import { renderTable } from "../../shared/terminal/table.ts";
import { formatCount } from "../../shared/terminal/format.ts";
import { wrap } from "../../shared/terminal/fit.ts";
import { PROCESS_MEASURES, STORE_MEASURES } from "./measures.ts";
import type { Measure, ProcessMeasure, StoreMeasure } from "./measures.ts";
import type { Done, SeriesName } from "./perform.ts";
import { drawSeries, judgeGrowth } from "./series.ts";
import type { Growth, Point } from "./series.ts";

/** What a soak has shown. Pure. */
export interface SoakReport {
  /** Nothing grows beyond its bound, and no invariant was broken. */
  readonly isRight: boolean;
  /** Markdown, 80 columns or little more. */
  readonly text: string;
}

export interface SoakEvidence {
  readonly series: ReadonlyMap<SeriesName, readonly Point[]>;
  readonly done: Done;
  readonly offences: readonly string[];
  readonly lastsSeconds: number;
  /** How it was started, when, and on what machine. */
  readonly heading: readonly string[];
}

interface Judged {
  readonly name: SeriesName;
  readonly measure: Measure;
  readonly points: readonly Point[];
  readonly growth: Growth | undefined;
}

const COLUMNS = 80;
/** Below this, a tenth more or less is told. */
const FINE = 100;

export function reportSoak(evidence: SoakEvidence): SoakReport {
  const { series, done, offences, lastsSeconds, heading } = evidence;
  const judged = [...series].map(([name, points]): Judged => {
    const measure = measureOf(name);
    return { name, measure, points, growth: judgeGrowth(points, measure.bound, lastsSeconds) };
  });
  const growing = judged.filter(({ growth }) => growth?.isFlat === false);
  const isRight = offences.length === 0 && growing.length === 0;
  const verdict = isRight
    ? "Flat, and nothing lost."
    : `Not right: ${growing.length} of ${judged.length} grow, ${offences.length} offences.`;
  const text = [
    "# What lives long, and whether it grows",
    "",
    ...heading,
    "",
    ...wrap(
      `${verdict} ${describe(done)} Each run was judged: every planned call has one outcome, the sums agree, ` +
        "a success was seen by the API, no unsafe call was processed twice.",
      COLUMNS,
    ),
    "",
    ...wrap(
      "The broker, a recorder and two workers live from the beginning to the end; a worker and a recorder " +
        "beside them are killed again and again. Medians of the first third (after a warming up of 15 %) " +
        "and of the last; what the last may be at the most.",
      COLUMNS,
    ),
    "",
    "```",
    ...renderJudged(judged),
    "```",
    "",
    ...judged.flatMap(({ measure }) => (measure.why === undefined ? [] : because(measure))),
    ...(offences.length === 0
      ? []
      : ["## Offences", "", ...offences.flatMap((one) => wrap(`- ${one}`, COLUMNS)), ""]),
    "```",
    ...judged.flatMap(({ name, measure, points }) => [
      labelOf(name, measure),
      ...drawSeries(points, lastsSeconds),
      "",
    ]),
    "```",
    "",
  ].join("\n");
  return { isRight, text };
}

function describe({ runs, replays, calls, madeAgain, kills, stops, cuts, prunes }: Done): string {
  const count = formatCount;
  return (
    `${count(runs)} runs and ${count(replays)} replays, ${count(calls)} calls (${count(madeAgain)} requests again), ` +
    `${count(kills)} kills, ${count(stops)} stops, ${count(cuts)} connections cut, ${count(prunes)} prunes.`
  );
}

function because(measure: Measure): string[] {
  return [...wrap(`${measure.title} may grow: ${measure.why}.`, COLUMNS), ""];
}

function renderJudged(judged: readonly Judged[]): string[] {
  const columns = [
    { title: "OF" },
    { title: "WHAT" },
    { title: "FIRST", align: "right" },
    { title: "LAST", align: "right" },
    { title: "AT MOST", align: "right" },
    { title: "" },
  ] as const;
  const rows = judged.map(({ name, measure, growth }) => [
    ownerOf(name),
    measure.unit === "" ? measure.title : `${measure.title}, ${measure.unit}`,
    growth === undefined ? "" : format(growth.first),
    growth === undefined ? "" : format(growth.last),
    growth === undefined || growth.most === Infinity ? "" : format(growth.most),
    growth === undefined ? "not measured" : growth.isFlat ? "" : "GROWS",
  ]);
  return renderTable(columns, rows, COLUMNS);
}

function labelOf(name: SeriesName, { title, unit }: Measure): string {
  return `${ownerOf(name)}: ${title}${unit === "" ? "" : `, ${unit}`}`;
}

function ownerOf(name: SeriesName): string {
  return name in STORE_MEASURES ? "state" : (name.split(" ", 1)[0] ?? name);
}

function measureOf(name: SeriesName): Measure {
  if (name in STORE_MEASURES) return STORE_MEASURES[name as StoreMeasure];
  return PROCESS_MEASURES[name.slice(name.indexOf(" ") + 1) as ProcessMeasure];
}

function format(value: number): string {
  return value < FINE ? String(Number(value.toFixed(1))) : formatCount(Math.round(value));
}
