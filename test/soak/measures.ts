import type { Bound } from "./series.ts";

/** What is measured, of which process or store, in what unit, and how much it may grow. */
export interface Measure {
  readonly title: string;
  readonly unit: "MiB" | "";
  /** Undefined: it grows by design, as `why` says, or is only shown. */
  readonly bound?: Bound;
  readonly why?: string;
}

/** Of each process that lives from the soak's beginning to its end. */
export const PROCESS_MEASURES = {
  rss: { title: "resident memory", unit: "MiB", bound: { share: 0.15, least: 16 } },
  heap: { title: "heap after full collections", unit: "MiB", bound: { share: 0.15, least: 4 } },
  files: { title: "open files and sockets", unit: "", bound: { share: 0.2, least: 8 } },
  threads: { title: "threads", unit: "", bound: { share: 0, least: 2 } },
  resources: { title: "active resources", unit: "", bound: { share: 0.2, least: 10 } },
  listeners: { title: "listeners on the process", unit: "", bound: { share: 0, least: 1 } },
} as const satisfies Readonly<Record<string, Measure>>;

export type ProcessMeasure = keyof typeof PROCESS_MEASURES;

const SOME_ROWS: Bound = { share: 0.3, least: 60 };
/** What should have gone may be late by a prune. */
const LATE: Bound = { share: 0, least: 2 };
const KEPT =
  "as many are kept as runs were made in the last minutes; what is left over is counted below";
const SOME_MEBIBYTES: Bound = { share: 0.3, least: 2 };

/** Of the state folder. */
export const STORE_MEASURES = {
  "ledger file": { title: "ledger, with its log", unit: "MiB", bound: SOME_MEBIBYTES },
  "ledger runs": { title: "runs in the ledger", unit: "", why: KEPT },
  "runs left": { title: "runs that prune left over", unit: "", bound: LATE },
  "ledger outbox": { title: "outbox rows", unit: "", bound: { share: 0, least: 4 } },
  "coordination file": { title: "coordination, with its log", unit: "MiB", bound: SOME_MEBIBYTES },
  controls: { title: "controls of runs", unit: "", why: KEPT },
  "controls left": { title: "controls that prune left over", unit: "", bound: LATE },
  claims: { title: "claims of lanes", unit: "", bound: { share: 0, least: 6 } },
  leases: { title: "leases", unit: "", bound: { share: 0, least: 12 } },
  "leases left": { title: "leases that prune left over", unit: "", bound: LATE },
  destinations: { title: "destinations", unit: "", bound: { share: 0, least: 4 } },
  checkpoints: { title: "checkpoints and marks of chunks", unit: "", why: KEPT },
  "checkpoints left": { title: "checkpoints that prune left over", unit: "", bound: LATE },
  "broker file": { title: "broker, with its log", unit: "MiB", bound: SOME_MEBIBYTES },
  messages: { title: "messages, but letters", unit: "", bound: SOME_ROWS },
  letters: {
    title: "letters of failed calls",
    unit: "",
    why: "they are kept for a replay until SQS's 14 days are over",
  },
  "claim files": {
    title: "bodies of large calls",
    unit: "MiB",
    why: "they are kept for 18 days after their run was forgotten, for a replay of its letters",
  },
  "spool files": { title: "spooled plans", unit: "MiB", bound: SOME_MEBIBYTES },
} as const satisfies Readonly<Record<string, Measure>>;

export type StoreMeasure = keyof typeof STORE_MEASURES;
