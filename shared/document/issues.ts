import { distance } from "fastest-levenshtein";
import type { z } from "zod";
import { SenpuError } from "../errors.ts";
import { notAllowed, show } from "./fault.ts";

/** What is wrong with a file that a person has written, put into words: a line each, `plan.yaml:12:5 lanes.crm.concurrency: …`. */

/** The file, as its errors name it. */
export interface FileName {
  /** Also the code of its errors. */
  readonly kind: "plan" | "config";
  /** What the person named: `plan.yaml`. */
  readonly shown: string;
}

export type FieldPath = readonly (string | number)[];

/** Both counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface Complaint {
  readonly position?: Position | undefined;
  readonly path?: FieldPath;
  readonly text: string;
}

/** Without a place. */
export interface Issue {
  readonly path: FieldPath;
  readonly text: string;
  /** Where the other half of the trouble stands. */
  readonly also?: FieldPath;
}

const MAX_LINES = 10;

/** One error of all complaints; past ten, their number. */
export function fileError({ kind, shown }: FileName, complaints: readonly Complaint[]): SenpuError {
  const ordered = complaints.toSorted(byPosition);
  const lines = ordered.slice(0, MAX_LINES).map(({ position, path = [], text }) => {
    const place = position === undefined ? shown : `${shown}:${position.line}:${position.column}`;
    const field = formatPath(path);
    if (field !== "") return `${place} ${field}: ${text}`;
    return position === undefined ? `${place}: ${text}` : `${place} ${text}`;
  });
  if (complaints.length > MAX_LINES) lines.push(`and ${complaints.length - MAX_LINES} more`);
  return new SenpuError(kind, lines.join("\n"));
}

/** From the top of the file down; what has no place stays where it is. */
function byPosition({ position: a }: Complaint, { position: b }: Complaint): number {
  return a === undefined || b === undefined ? 0 : a.line - b.line || a.column - b.column;
}

type Locate = (path: FieldPath) => Position | undefined;

/** The error of a value that a schema has refused. */
export function schemaError(
  file: FileName,
  error: z.core.$ZodError,
  value: unknown,
  locate: Locate,
): SenpuError {
  return issuesError(file, readIssues(error.issues, value), locate);
}

/** The same for what no schema sees. */
export function issuesError(file: FileName, issues: readonly Issue[], locate: Locate): SenpuError {
  const complaints = issues.map(({ path, text, also }): Complaint => {
    const other = also === undefined ? undefined : locate(also);
    const where =
      also === undefined
        ? ""
        : `; it stands first at ${other === undefined ? formatPath(also) : `${file.shown}:${other.line}:${other.column}`}`;
    return { path, text: text + where, position: locate(path) };
  });
  return fileError(file, complaints);
}

/** The first complaint about a line or a value, on one line, without its place in the file. */
export function firstIssue(error: z.core.$ZodError, value: unknown): string {
  const [issue] = readIssues(error.issues, value);
  const field = formatPath(issue?.path ?? []);
  return field === "" ? (issue?.text ?? "") : `${field}: ${issue?.text}`;
}

function readIssues(
  issues: readonly z.core.$ZodIssue[],
  root: unknown,
  above: FieldPath = [],
): readonly Issue[] {
  return issues.flatMap((issue): readonly Issue[] => {
    const path = [...above, ...(issue.path as FieldPath)];
    if (issue.code === "custom") return [{ path, text: issue.message, ...alsoOf(issue.params) }];
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({
        path: [...path, key],
        text: unknownKey(key, issue.message),
      }));
    }
    if (issue.code === "invalid_key") {
      return [{ path, text: notAllowed(path.at(-1), issue.issues[0]?.message ?? issue.message) }];
    }
    const branch = issue.code === "invalid_union" ? likeliest(issue.errors) : undefined;
    if (branch !== undefined) return readIssues(branch, root, path);
    return [{ path, text: wrong(valueAt(root, path), issue.message, isSecret(path)) }];
  });
}

function alsoOf(params: Record<string, unknown> | undefined): { also?: FieldPath } {
  return params?.["also"] === undefined ? {} : { also: params["also"] as FieldPath };
}

/** The branch of a union that the person meant: the one that the value has the type of. */
function likeliest(
  branches: readonly (readonly z.core.$ZodIssue[])[],
): readonly z.core.$ZodIssue[] | undefined {
  const meant = branches.filter((issues) =>
    issues.every(
      ({ code, path }) => path.length > 0 || (code !== "invalid_type" && code !== "invalid_value"),
    ),
  );
  return meant.length === 1 ? meant[0] : undefined;
}

/** Below these fields a value that is wrong may be a secret, written where its reference belongs: it is not shown. */
const SECRET_FIELDS: ReadonlySet<string | number> = new Set(["auth", "proxy"]);

function isSecret(path: FieldPath): boolean {
  return path.some((step) => SECRET_FIELDS.has(step));
}

function wrong(value: unknown, right: string, hides: boolean): string {
  if (value === undefined) return `is missing; ${right}`;
  return hides ? `is not allowed; ${right}` : notAllowed(value, right);
}

function unknownKey(key: string, known: string): string {
  const keys = known.split(" ");
  const nearest = keys.toSorted((a, b) => distance(a, key) - distance(b, key))[0] ?? "";
  const near = distance(nearest, key.toLowerCase()) <= Math.max(2, key.length / 2);
  return `is not known; ${near ? `did you mean ${nearest}?` : `known are ${keys.join(", ")}`}`;
}

function valueAt(root: unknown, path: FieldPath): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) {
      return undefined;
    }
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

function formatPath(path: FieldPath): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    if (!/^[\w$-]+$/.test(step)) return `${text}[${show(step)}]`;
    return text === "" ? step : `${text}.${step}`;
  }, "");
}
