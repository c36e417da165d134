import { wrap } from "../../shared/terminal/fit.ts";
import { formatCount, formatDuration, formatQuantity } from "../../shared/terminal/format.ts";
import { fitTable } from "../../shared/terminal/table.ts";
import type { Comparison, ContestantFigures } from "./compare.ts";
import { BARE, CONTESTANTS } from "./contestants.ts";
import type { Machine } from "./machine.ts";
import type { MemoryFigures } from "./memory.ts";
import type { StartFigures, Times } from "./start.ts";

/** All that is printed, in lines of 80 columns at most. Pure. */
const COLUMNS = 80;
const NONE = "–";

export function renderComparison({ contestants, skipped, warnings }: Comparison): string[] {
  const columns = [
    { title: "CONTESTANT" },
    { title: "CALLS", align: "right" },
    { title: "CALLS/S", align: "right" },
    { title: "MIN–MAX", align: "right" },
    { title: "RATIO", align: "right" },
    { title: "INSIDE", align: "right" },
    { title: "MEMORY", align: "right" },
  ] as const;
  const rows = contestants.map(cellsOf);
  const table = fitTable(columns, rows, COLUMNS);
  const bare = CONTESTANTS.find(({ name }) => name === BARE)!.title;
  const legend =
    `CALLS/S is the median over a process from its start to its end, RATIO its share of "${bare}" in the same ` +
    `round, INSIDE the calls/s without starts and ends, MEMORY the sum of each process's largest.`;
  return [
    table.head,
    ...rows.map((row) => table.row(row)),
    "",
    ...wrap(legend, COLUMNS),
    ...skipped.flatMap(({ name, reason }) => wrap(`Skipped ${name}: ${reason}.`, COLUMNS)),
    ...warnings.flatMap((warning) => wrap(`Warning: ${warning}`, COLUMNS)),
  ];
}

function cellsOf(figures: ContestantFigures): string[] {
  const { title, calls, callsPerSecond, insideCallsPerSecond, ratio, peakBytes } = figures;
  const { median, min, max } = callsPerSecond;
  return [
    title,
    formatCount(calls),
    formatCount(median),
    `${formatCount(min)}–${formatCount(max)}`,
    ratio === null ? NONE : ratio.toFixed(2),
    formatCount(insideCallsPerSecond),
    formatMebibytes(peakBytes),
  ];
}

export function renderMemory(figures: MemoryFigures): string[] {
  const { calls, callsPerSecond, insideCallsPerSecond, peakBytes, thirdsBytes } = figures;
  return [
    `${formatQuantity(calls, "call")} at ${formatCount(callsPerSecond)}/s (inside ${formatCount(insideCallsPerSecond)}/s)`,
    `memory at the most ${formatMebibytes(peakBytes)}`,
    `resident at the most in the first, second and last third: ${thirdsBytes.map(formatMebibytes).join(", ")}`,
  ];
}

export function renderStart({ help, oneCall }: StartFigures): string[] {
  return [`senpu --help    ${renderTimes(help)}`, `run of one call ${renderTimes(oneCall)}`];
}

function renderTimes({ medianMs, minMs, maxMs }: Times): string {
  return `${formatDuration(medianMs)} (${formatDuration(minMs)}–${formatDuration(maxMs)})`;
}

/** `setting`: what else the figures depend on. */
export function renderMachine(machine: Machine, setting: string): string[] {
  const { cpu, cores, memoryBytes, system, node, load, folderInMemory } = machine;
  const gibibytes = (memoryBytes / 1024 ** 3).toFixed(0);
  const lines = [
    `${cpu}, ${formatQuantity(cores, "core")}, ${gibibytes} GiB, ${system}, Node ${node.slice(1)}; ${setting}; load before ${load.toFixed(1)}.`,
  ];
  if (load > cores / 4) {
    lines.push(
      "Warning: the machine had other work before the bench; figures are lower than they could be.",
    );
  }
  if (folderInMemory) {
    lines.push("Warning: temporary folders lie in memory here; durable writes cost nothing.");
  }
  return lines.flatMap((line) => wrap(line, COLUMNS));
}

function formatMebibytes(bytes: number | null): string {
  return bytes === null ? NONE : `${formatCount(bytes / 1024 ** 2)} MiB`;
}
