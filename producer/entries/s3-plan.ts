import { hash } from "node:crypto";
import { rmSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, extname, join, posix, relative, resolve } from "node:path";
import type { S3Client } from "@aws-sdk/client-s3";
import { parseJson, parseYaml } from "../../shared/document/document.ts";
import { Fault } from "../../shared/document/fault.ts";
import { SenpuError } from "../../shared/errors.ts";
import { createS3Client } from "../../shared/s3/s3-client.ts";
import { s3Url } from "../../shared/s3/s3-object.ts";
import type { S3Object } from "../../shared/s3/s3-object.ts";
import type { PlanOverrides } from "../plan/assemble.ts";
import { fetchObject } from "../plan/fetch-object.ts";
import { fileName } from "../plan/fetched-folder.ts";
import { isRemote } from "../plan/from-schema.ts";
import { MODULE_ENDINGS } from "../plan/module-endings.ts";
import type { GivenLanes } from "../plan/merge-lanes.ts";
import type { Plan } from "../plan/plan.ts";
import { readPlan } from "../plan/read.ts";

/** A plan whose files lie here for as long as it is read. */
export interface FetchedPlan {
  readonly plan: Plan;
  /** The same for the same objects: bucket, key, and version or ETag of the plan and of its rows (of rows from elsewhere, their bytes), hashed. */
  readonly identity: string;
  /** The files are not needed any more. */
  remove(): Promise<void>;
  /** The same, for a process that ends. */
  removeNow(): void;
}

/**
 * Reads a plan from S3, and the rows that it names beside its own key, by way of files in the temporary folder: what is
 * larger than there is room for is refused, with both figures. An event that names a version or an ETag means that very
 * one. `region`: of the bucket; default what the SDK finds. Throws {@link SenpuError} `plan`.
 */
export async function readS3Plan(
  object: S3Object,
  overrides: PlanOverrides,
  given: GivenLanes | undefined,
  allow: readonly string[] = [],
  region?: string,
): Promise<FetchedPlan> {
  refuseModule(object);
  const s3 = createS3Client(region);
  const root = await mkdtemp(join(tmpdir(), "senpu-plan-"));
  const remove = (): Promise<void> => rm(root, { recursive: true, force: true });
  const shown = s3Url(object);
  try {
    // As deep as the key, so that `from: ../rows.csv` stays within the folder.
    const depth = object.key.split("/").length;
    const path = join(root, ...Array<string>(depth).fill("d"), fileName(object.key));
    const got = [await fetchInto(s3, object, path)];
    const rows = await readFrom(path, shown);
    if (rows !== undefined) got.push(await fetchRows(s3, object, rows, path, root));
    const spoolDir = root;
    const plan = await readPlan({ path, shown, spoolDir, runId: "s3", overrides, given, allow });
    const [, rowsObject] = got;
    const source = {
      ...plan.source,
      path: shown,
      ...(rowsObject !== undefined &&
        plan.source.rows !== undefined && {
          rows: { ...plan.source.rows, path: s3Url(rowsObject) },
        }),
    };
    // Rows from elsewhere are told apart by what they hold.
    const elsewhere = rows === undefined && plan.source.rows !== undefined;
    const which = [...got.map(whichOf), ...(elsewhere ? [[plan.source.rows?.digest]] : [])];
    const identity = hash("sha256", JSON.stringify(which));
    const removeNow = (): void => rmSync(root, { recursive: true, force: true });
    const removeAll = async (): Promise<void> => {
      await remove();
      await plan.release?.();
    };
    return { plan: { ...plan, source }, identity, remove: removeAll, removeNow };
  } catch (error) {
    await remove();
    throw error;
  } finally {
    s3.destroy();
  }
}

/** Who may put an object into a bucket may not, by that alone, run code here. */
function refuseModule(object: S3Object): void {
  const ending = extname(object.key).slice(1).toLowerCase();
  if (!MODULE_ENDINGS.includes(ending)) return;
  throw new SenpuError(
    "plan",
    `${s3Url(object)}: a module is run from this machine's files alone; run it there, or put the calls it yields into a .jsonl`,
  );
}

function whichOf({ bucket, key, version, etag }: S3Object): readonly unknown[] {
  return [bucket, key, version ?? etag];
}

/**
 * The path that `from` says, if any; what is elsewhere (`s3://`, `https://`) is fetched, and what is wrong with the plan
 * told, by whoever reads it.
 */
async function readFrom(path: string, shown: string): Promise<string | undefined> {
  const format = extname(path).toLowerCase();
  if (![".yaml", ".yml", ".json"].includes(format)) return undefined;
  const text = await readFile(path, "utf8");
  try {
    const file = { kind: "plan", shown } as const;
    const { value } = format === ".json" ? parseJson(text, file) : parseYaml(text, file);
    const { from } = value as { readonly from?: string | { readonly file?: unknown } };
    const written = typeof from === "object" ? from.file : from;
    return typeof written === "string" && written !== "" && !isRemote(written)
      ? written
      : undefined;
  } catch {
    return undefined;
  }
}

async function fetchRows(
  s3: S3Client,
  plan: S3Object,
  from: string,
  planPath: string,
  root: string,
): Promise<S3Object> {
  const key = posix.join(posix.dirname(plan.key), from);
  const path = resolve(dirname(planPath), from);
  const isInside = !relative(root, path).startsWith("..") && !key.startsWith("..");
  if (from.startsWith("/") || /^[a-z0-9]+:/i.test(from) || !isInside || from.endsWith("/")) {
    throw new SenpuError(
      "plan",
      `${s3Url(plan)}: from ${JSON.stringify(from)} names no object; give a key relative to the plan's, in the same bucket`,
    );
  }
  return fetchInto(s3, { bucket: plan.bucket, key }, path);
}

/** With an error that says what the object was for. */
async function fetchInto(s3: S3Client, object: S3Object, path: string): Promise<S3Object> {
  try {
    return await fetchObject(s3, object, path);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw new SenpuError("plan", error.message, { cause: error.cause });
  }
}
