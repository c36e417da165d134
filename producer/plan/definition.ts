import { basename } from "node:path";
import { distance } from "fastest-levenshtein";
import type { Document } from "../../shared/document/document.ts";
import { Fault, show } from "../../shared/document/fault.ts";
import type { Complaint, FieldPath, FileName } from "../../shared/document/issues.ts";
import { fileError, issuesError, schemaError } from "../../shared/document/issues.ts";
import { type PlanOverrides, assemblePlan } from "./assemble.ts";
import { readCsvColumns } from "./csv-rows.ts";
import { type CallSource, fromList, fromRows } from "./drafts.ts";
import { type CallTemplate, fieldsOf } from "./each-schema.ts";
import { type GivenLanes, givenLanes } from "./merge-lanes.ts";
import { findSecrets } from "./find-secrets.ts";
import { checkWhole } from "./plan-rules.ts";
import type { Plan, PlanSource } from "./plan.ts";
import { type RowsFrom, isRemote } from "./from-schema.ts";
import type { RowFile } from "./rows.ts";
import { type RowsSource, openRows } from "./rows-source.ts";
import { planSchema } from "./schema.ts";
import { loosenings } from "./tighten-lanes.ts";

export interface DefinitionOptions {
  readonly shown: string;
  /** Absolute; what `from` is relative to. */
  readonly baseDir: string;
  readonly source: PlanSource;
  readonly fallbackName: string;
  readonly allow: readonly string[];
  readonly overrides: PlanOverrides;
  readonly given: GivenLanes | undefined;
}

/** The plan of a definition, checked against the schema and against the rows' file. */
export async function planFromDocument(
  document: Document,
  options: DefinitionOptions,
): Promise<Plan> {
  const { source, given } = options;
  const file: FileName = { kind: "plan", shown: options.shown };
  const locate = document.locate.bind(document);
  const result = planSchema.safeParse(document.value);
  if (!result.success) throw schemaError(file, result.error, document.value, locate);
  const { calls, from, each, ...settings } = result.data;
  const issues = checkWhole(result.data, new Set(givenLanes(given).map(({ name }) => name)));
  if (given?.kind === "deployed") issues.push(...loosenings(settings, given.config));
  if (issues.length > 0) throw issuesError(file, issues, locate);
  const sources: CallSource[] = [fromList(calls, file.shown)];
  let rows: RowsSource | undefined;
  if (from !== undefined && each !== undefined) {
    const complain = (complaints: readonly Complaint[]): never => {
      throw fileError(
        file,
        complaints.map((complaint) => ({ ...complaint, position: locate(complaint.path ?? []) })),
      );
    };
    rows = await readRowsSource(from, options.baseDir, complain);
    const shown = nameOf(from);
    try {
      if (rows.file.format === "csv") await checkColumns(rows.file, shown, each, complain);
    } catch (error) {
      await rows.release();
      throw error;
    }
    sources.push(fromRows(rows.file, basename(shown), each));
  }
  return assemblePlan({
    settings,
    fallbackName: options.fallbackName,
    source: {
      ...source,
      ...(rows === undefined ? {} : { rows: { path: rows.place, digest: rows.digest } }),
    },
    knownCalls: rows === undefined ? calls.length : null,
    secrets: findSecrets(document.value),
    sources,
    baseDir: options.baseDir,
    allow: options.allow,
    overrides: options.overrides,
    given,
    release: rows === undefined ? undefined : () => rows.release(),
  });
}

type Complain = (complaints: readonly Complaint[]) => never;

const FROM: FieldPath = ["from"];

/** As the plan writes it; of a URL without its query, which may hold a signature. */
function nameOf({ file }: RowsFrom): string {
  return isRemote(file) ? file.replace(/[?#].*$/s, "") : file;
}

async function readRowsSource(
  from: RowsFrom,
  baseDir: string,
  complain: Complain,
): Promise<RowsSource> {
  try {
    return await openRows(from, baseDir);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return complain([{ path: FROM, text: `${show(nameOf(from))}: ${error.message}` }]);
  }
}

/** A column that no row can have is the plan's mistake, told at once and not a million times. */
async function checkColumns(
  file: RowFile,
  from: string,
  each: CallTemplate,
  complain: Complain,
): Promise<void> {
  let columns: readonly string[];
  try {
    columns = await readCsvColumns(file);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return complain([{ path: FROM, text: `${show(from)}: ${error.message}` }]);
  }
  const missing = fieldsOf(each).filter(({ field }) => !columns.includes(field));
  if (missing.length === 0) return;
  complain(
    missing.map(({ field, path }) => ({
      path,
      text: `${from} has no column ${show(field)}; ${suggestColumn(field, columns)}`,
    })),
  );
}

function suggestColumn(field: string, columns: readonly string[]): string {
  const [nearest = ""] = columns.toSorted((a, b) => distance(a, field) - distance(b, field));
  return distance(nearest, field) <= Math.max(2, field.length / 3)
    ? `did you mean ${show(nearest)}?`
    : `it has ${columns.map(show).join(", ")}`;
}
