/**
 * What of a call's answer is looked at and kept. Travels with the policy. A worker of a version that does not know it
 * makes the call, judges it by its status alone, and keeps nothing: update workers before plans ask for it.
 */
export interface AnswerPolicy {
  /** Beside the call in the ledger, of every answer that ends a call; absent: nothing. */
  readonly keep?: KeepPolicy;
  /** Of every call that succeeds; absent: nothing. */
  readonly save?: SavePolicy;
  /** What the body must be, as the plan writes it; all must hold. */
  readonly expect?: readonly string[];
}

export interface KeepPolicy {
  /** Bytes of the body, decoded; what is longer is cut, and said so. 0: status and headers only. */
  readonly bodyBytes: number;
}

export interface SavePolicy {
  readonly format: SaveFormat;
  /** Absolute path of a file (`jsonl`, `csv`) or a folder (`files`); `s3://bucket/prefix` for `s3`. */
  readonly to: string;
  /** Of `csv`, in order. */
  readonly columns?: readonly SaveColumn[];
  /** Of `jsonl`: each line has the answer's headers. */
  readonly headers?: boolean;
  /** Bytes of a body, decoded; an answer with more fails its call. */
  readonly maxBodyBytes: number;
}

/** A line a call, a row a call, a file a call, an object a call. */
export type SaveFormat = "jsonl" | "csv" | "files" | "s3";

export interface SaveColumn {
  readonly name: string;
  /** `id`, `method`, `url`, `status`, `bytes`, `body`, `header.<name>`, or a JSONPath that begins with `$`. */
  readonly source: string;
}

/** Fields of a column that are neither a header nor a JSONPath. */
export const COLUMN_FIELDS = ["id", "method", "url", "status", "bytes", "body"] as const;
export const HEADER_COLUMN = "header.";

const FORMATS: readonly unknown[] = ["jsonl", "csv", "files", "s3"];

/** Whatever passes can be worked with; undefined where all is right, else the field that is wrong and what it should be. */
export function answerPolicyFault(
  value: unknown,
): readonly [field: string, right: string] | undefined {
  if (!isRecord(value)) return ["policy.answers", "an object"];
  const { keep, save, expect } = value;
  if (keep !== undefined && !(isRecord(keep) && Number.isSafeInteger(keep["bodyBytes"]))) {
    return ["policy.answers.keep", "an object with bodyBytes"];
  }
  if (expect !== undefined && !isTexts(expect)) return ["policy.answers.expect", "a list of texts"];
  if (save === undefined) return undefined;
  if (!isRecord(save) || !FORMATS.includes(save["format"]) || typeof save["to"] !== "string") {
    return ["policy.answers.save", "an object with format and to"];
  }
  if (!Number.isSafeInteger(save["maxBodyBytes"])) {
    return ["policy.answers.save.maxBodyBytes", "a number"];
  }
  const columns = save["columns"] ?? [];
  const areColumns =
    Array.isArray(columns) &&
    columns.every((one: unknown) => isRecord(one) && isTexts([one["name"], one["source"]]));
  return areColumns ? undefined : ["policy.answers.save.columns", "a list of names and sources"];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
