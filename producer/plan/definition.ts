import { basename, resolve } from "node:path";
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
import { isCsv } from "./rows.ts";
import { planSchema } from "./schema.ts";
import { checkFile, digestText } from "./text-file.ts";
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
  let rows: PlanSource["rows"];
  if (from !== undefined && each !== undefined) {
    const path = resolve(options.baseDir, from);
    const complain = (complaints: readonly Complaint[]): never => {
      throw fileError(
        file,
        complaints.map((complaint) => ({ ...complaint, position: locate(complaint.path ?? []) })),
      );
    };
    rows = { path, digest: await digestRows(path, from, complain) };
    if (isCsv(path)) await checkColumns(path, from, each, complain);
    sources.push(fromRows(path, basename(path), each));
  }
  return assemblePlan({
    settings,
    fallbackName: options.fallbackName,
    source: { ...source, ...(rows === undefined ? {} : { rows }) },
    knownCalls: rows === undefined ? calls.length : null,
    secrets: findSecrets(document.value),
    sources,
    allow: options.allow,
    overrides: options.overrides,
    given,
  });
}

type Complain = (complaints: readonly Complaint[]) => never;

const FROM: FieldPath = ["from"];

async function digestRows(path: string, from: string, complain: Complain): Promise<string> {
  try {
    await checkFile(path);
    return await digestText(path);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return complain([{ path: FROM, text: `${show(from)}: ${error.message}` }]);
  }
}

/** A column that no row can have is the plan's mistake, told at once and not a million times. */
async function checkColumns(
  path: string,
  from: string,
  each: CallTemplate,
  complain: Complain,
): Promise<void> {
  let columns: readonly string[];
  try {
    columns = await readCsvColumns(path);
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
