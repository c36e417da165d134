import { extname } from "node:path";
import { z } from "zod";
import { Fault, notAllowed, show } from "../../shared/document/fault.ts";
import { addFault, check, closedObject } from "../../shared/document/scalars.ts";
import { compileExpectation, compileQuery } from "../../shared/json/json-query.ts";
import { COLUMN_FIELDS, HEADER_COLUMN } from "../../shared/model/answer-policy.ts";
import type {
  KeepPolicy,
  SaveColumn,
  SaveFormat,
  SavePolicy,
} from "../../shared/model/answer-policy.ts";
import { parseS3Url } from "../../shared/s3/s3-object.ts";
import { checkHeaderName } from "./headers.ts";

/** What is asked of answers, and what becomes of them. */

const KIB = 1_024;
const UNITS: Readonly<Record<string, number>> = { B: 1, KB: KIB, MB: KIB ** 2, GB: KIB ** 3 };
/** It travels in a message and lies in the ledger, so it is small. */
const MAX_KEPT_BYTES = 128 * KIB;
const DEFAULT_KEPT = "64KB";
/** Source: S3 user guide, "Uploading objects": one PUT. */
const MAX_SAVED_BYTES = 5 * KIB ** 3;
const DEFAULT_SAVED = "1GB";

function byteSize(min: string, max: string) {
  const right = `a size from ${min} to ${max}, such as 64KB`;
  return z
    .string({ error: right })
    .regex(/^\d{1,9}(B|KB|MB|GB)$/, { error: right })
    .meta({ examples: [DEFAULT_KEPT] })
    .transform((text, context) =>
      check(context, text, () => {
        const bytes = parseBytes(text);
        if (bytes >= parseBytes(min) && bytes <= parseBytes(max)) return bytes;
        throw new Fault(notAllowed(text, right));
      }),
    );
}

function parseBytes(text: string): number {
  const unit = text.replace(/^\d+/, "");
  return Number.parseInt(text, 10) * (UNITS[unit] ?? 1);
}

const EXPECT_RIGHT = "a condition on the body such as $.ok = true, or a list of them";

const expectation = z
  .string({ error: EXPECT_RIGHT })
  .transform((text, context) => check(context, text, () => compileExpectation(text.trim()).text));

export const expectSchema = z.union(
  [
    expectation.transform((one): string[] => [one]),
    z.array(expectation).min(1, { error: EXPECT_RIGHT }),
  ],
  { error: EXPECT_RIGHT },
);

const KEEP_RIGHT = "nothing, headers, body, or an object with body, such as { body: 64KB }";

export const keepSchema = z.union(
  [
    z
      .enum(["nothing", "headers", "body"], { error: KEEP_RIGHT })
      .transform((word): KeepPolicy | null =>
        word === "nothing" ? null : { bodyBytes: word === "body" ? parseBytes(DEFAULT_KEPT) : 0 },
      ),
    closedObject({
      body: byteSize("1B", `${MAX_KEPT_BYTES / KIB}KB`).meta({
        description: "So much of each body, decoded; what is longer is cut, and said so.",
      }),
    }).transform(({ body }): KeepPolicy => ({ bodyBytes: body })),
  ],
  { error: KEEP_RIGHT },
);

const SOURCE_RIGHT = `${COLUMN_FIELDS.join(", ")}, header.NAME, or a JSONPath such as $.name`;

const source = z
  .string({ error: SOURCE_RIGHT })
  .transform((text, context) => check(context, text, () => checkSource(text)));

function checkSource(text: string): string {
  if (text.startsWith("$")) {
    compileQuery(text);
    return text;
  }
  if (text.startsWith(HEADER_COLUMN)) {
    return HEADER_COLUMN + checkHeaderName(text.slice(HEADER_COLUMN.length));
  }
  if (COLUMN_FIELDS.some((field) => field === text)) return text;
  throw new Fault(notAllowed(text, SOURCE_RIGHT));
}

const COLUMNS_RIGHT = "an object of column names and what stands in them, or a list of the latter";

const columns = z.union(
  [
    z
      .record(z.string(), source, { error: COLUMNS_RIGHT })
      .transform((byName): SaveColumn[] =>
        Object.entries(byName).map(([name, from]) => ({ name, source: from })),
      ),
    z
      .array(source, { error: COLUMNS_RIGHT })
      .transform((all): SaveColumn[] => all.map((from) => ({ name: from, source: from }))),
  ],
  { error: COLUMNS_RIGHT },
);

const TO_RIGHT = "a path such as answers.jsonl, answers.csv or answers/, or s3://bucket/prefix";

const to = z.string({ error: TO_RIGHT }).regex(/^[^\0]{1,1000}$/, { error: TO_RIGHT });

/** Told by the place's own look. Throws {@link Fault}. */
function formatOf(place: string): SaveFormat {
  if (place.startsWith("s3://")) {
    if (parseS3Url(`${place.replace(/\/+$/, "")}/call`) !== undefined) return "s3";
    throw new Fault(`${show(place)} names no bucket; s3://bucket/prefix does`);
  }
  const ending = extname(place).toLowerCase();
  if (ending === ".jsonl" || ending === ".ndjson") return "jsonl";
  if (ending === ".csv") return "csv";
  if (ending === "" || /[/\\]$/.test(place)) return "files";
  throw new Fault(
    `${show(place)} ends in ${ending}: a file of all answers ends in .jsonl or .csv; a folder, for a file a call, in /`,
  );
}

const saveFields = closedObject({
  to: to.meta({ description: "Relative to the plan." }),
  columns: columns.optional().meta({
    description: `Of a .csv file: ${SOURCE_RIGHT}.`,
    examples: [{ id: "id", code: "status", name: "$.name" }],
  }),
  headers: z
    .boolean({ error: "true or false" })
    .optional()
    .meta({ description: "Of a .jsonl file: lines have the headers too. Default: false." }),
  limit: byteSize("1B", `${MAX_SAVED_BYTES / KIB ** 3}GB`)
    .prefault(DEFAULT_SAVED)
    .meta({
      description: "Of a body, decoded; a call whose answer is larger is rejected.",
    }),
});

export const saveSchema = z
  .union([to.transform((place) => saveFields.parse({ to: place })), saveFields], {
    error: `${TO_RIGHT}, or an object with to, columns, headers, limit`,
  })
  .transform((written, context): SavePolicy => {
    const { columns: all, headers, limit } = written;
    const format = check(context, written.to, () => formatOf(written.to));
    if (format === "csv" && (all ?? []).length === 0) {
      addFault(
        context,
        written,
        [],
        `a .csv file needs columns: ${COLUMNS_RIGHT}, such as { id: id, name: $.name }`,
      );
    } else if (format !== "csv" && all !== undefined) {
      addFault(context, all, ["columns"], "only a .csv file has columns");
    }
    if (format !== "jsonl" && headers !== undefined) {
      addFault(context, headers, ["headers"], "only a .jsonl file has lines with headers");
    }
    return {
      format,
      to: written.to,
      ...(all === undefined ? {} : { columns: all }),
      ...(headers === true ? { headers } : {}),
      maxBodyBytes: limit,
    };
  });
