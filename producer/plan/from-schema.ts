import { extname } from "node:path";
import { z } from "zod";
import { Fault, show } from "../../shared/document/fault.ts";
import { check, closedObject } from "../../shared/document/scalars.ts";
import { parseS3Url } from "../../shared/s3/s3-object.ts";
import { headersSchema } from "./call-schema.ts";
import { ENCODINGS, type Encoding } from "./encoding.ts";
import { ROW_FORMATS, type RowFormat } from "./rows.ts";

/** Where a plan's rows are, and how they are written. */
export interface RowsFrom {
  /** A path, absolute or relative to the plan; `s3://bucket/key`; or a URL. */
  readonly file: string;
  readonly format: RowFormat;
  readonly encoding: Encoding;
  readonly delimiter?: string;
  /** Sent to a URL; values may hold `${env:NAME}`. */
  readonly headers: Readonly<Record<string, string>>;
}

const FILE_RIGHT =
  "a .csv or .jsonl file, also packed as .csv.gz or .jsonl.gz: a path, s3://bucket/key or an http(s) URL";

const file = z.string({ error: FILE_RIGHT }).min(1, { error: FILE_RIGHT });

/** True for what is not on this machine. */
export function isRemote(file: string): boolean {
  return /^(https?|s3):\/\//i.test(file);
}

const inFull = closedObject({
  file: file.meta({
    description:
      "A path relative to the plan, s3://bucket/key, or an http(s) URL; gzip is unpacked, whatever its name.",
    examples: ["customers.csv", "s3://bucket/customers.csv.gz", "https://example.com/list.jsonl"],
  }),
  format: z
    .enum(ROW_FORMATS, { error: `one of ${ROW_FORMATS.join(", ")}` })
    .optional()
    .meta({ description: "Default: as the file's name ends." }),
  encoding: z
    .enum(ENCODINGS, { error: `one of ${ENCODINGS.join(", ")}` })
    .default("utf-8")
    .meta({ description: "What the file is written in." }),
  delimiter: z
    .string({ error: "one character" })
    .regex(/^[^"\r\n]$/u, { error: 'one character, such as ";" or a tab' })
    .optional()
    .meta({ description: "Between the fields of CSV. Default: a comma.", examples: [";"] }),
  headers: headersSchema
    .prefault({})
    .meta({ description: "Sent to an http(s) URL. Values may hold ${env:NAME}." }),
});

/** The file's name alone, or all of it. */
export const fromSchema = z
  .union([file.transform((name) => ({ file: name })).pipe(inFull), inFull], {
    error: `${FILE_RIGHT}; or an object with file, format, encoding, delimiter, headers`,
  })
  .transform((written, context): RowsFrom => {
    const { file, encoding, delimiter, headers } = written;
    const format = check(context, file, () => {
      checkPlace(file, Object.keys(headers).length > 0);
      return written.format ?? formatOf(file);
    });
    if (delimiter !== undefined && format === "jsonl") {
      context.issues.push({
        code: "custom",
        message: "JSON Lines have no delimiter",
        input: delimiter,
        path: ["delimiter"],
      });
    }
    return { file, format, encoding, headers, ...(delimiter === undefined ? {} : { delimiter }) };
  })
  .meta({
    description:
      "A file of rows, one call each: CSV with a header row, or JSON Lines. Goes with `each`.",
  });

function checkPlace(file: string, hasHeaders: boolean): void {
  if (/^s3:/i.test(file) && parseS3Url(file) === undefined) {
    throw new Fault(`${show(file)} names no object; write s3://bucket/key`);
  }
  const isUrl = /^https?:\/\//i.test(file);
  if (hasHeaders && !isUrl) throw new Fault(`${show(file)} is no URL, so it takes no headers`);
  if (!isUrl) return;
  const url = URL.parse(file);
  if (url === null) throw new Fault("the URL is not one; write https://host/path");
  if (url.username !== "" || url.password !== "") {
    throw new Fault(
      `the URL of ${url.host} holds a password; write headers: { authorization: "Basic \${env:NAME}" } beside file instead`,
    );
  }
}

/** By the ending of a path, a key, or a URL's path. Throws a {@link Fault} where that says nothing. */
function formatOf(file: string): RowFormat {
  const path = /^https?:\/\//i.test(file) ? (URL.parse(file)?.pathname ?? "") : file;
  const ending = extname(path.replace(/\.gz$/i, "")).toLowerCase().slice(1);
  const format = ROW_FORMATS.find((name) => name === ending);
  if (format !== undefined) return format;
  throw new Fault(
    isRemote(file)
      ? "the name does not end in .csv or .jsonl; say what it is: from: { file: …, format: csv }"
      : `${show(file)} is not allowed; ${FILE_RIGHT}`,
  );
}
