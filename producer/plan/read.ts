import { hash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename, dirname, extname, resolve } from "node:path";
import type { Readable } from "node:stream";
import { type Document, parseJson, parseYaml } from "../../shared/document/document.ts";
import { Fault, TOO_DEEP, show } from "../../shared/document/fault.ts";
import { issuesError } from "../../shared/document/issues.ts";
import { SenpuError } from "../../shared/errors.ts";
import { type PlanOverrides, assemblePlan } from "./assemble.ts";
import { planFromDocument } from "./definition.ts";
import { fromLines } from "./drafts.ts";
import { toJsonText } from "./json-template.ts";
import type { GivenLanes } from "./merge-lanes.ts";
import type { Plan } from "./plan.ts";
import { type PlanInput, type PlanSettings, allowEntry, settingsSchema } from "./schema.ts";
import { spoolInput } from "./spool.ts";
import { createTextCheck } from "./encoding.ts";
import { PLAN_ADVICE, checkFile, digestText } from "./text-file.ts";
import { loosenings } from "./tighten-lanes.ts";

export interface ReadPlanOptions {
  /** A file, or `-` for JSON Lines on standard input. */
  readonly path: string;
  /** Absolute; where standard input is kept. */
  readonly spoolDir: string;
  /** Names the copy of standard input. */
  readonly runId: string;
  /** Default: the process's. */
  readonly stdin?: Readable;
  /** Internal hosts and CIDR ranges, in addition to the plan's. */
  readonly allow?: readonly string[];
  readonly overrides?: PlanOverrides;
  /** Lanes beside the plan's own. Default: none. */
  readonly given?: GivenLanes | undefined;
  /** Lines of standard input kept so far. */
  readonly onProgress?: (lines: number) => void;
  /** How messages name the plan; default: `path`. */
  readonly shown?: string;
}

const FORMATS =
  "a plan is a .yaml, .yml, .json, .jsonl or .txt file, a .ts or .js module that yields calls, or - for JSON Lines on standard input";

/** YAML and JSON are read whole; more than this belongs into rows. */
const MAX_DEFINITION_BYTES = 16_777_216;

/**
 * Reads a plan. A plan that is read again gives the same calls with the same ids.
 * Throws {@link SenpuError} `plan` with a line for each thing that is wrong with it; rows that are no call are
 * entries of the plan, not errors.
 */
export async function readPlan(options: ReadPlanOptions): Promise<Plan> {
  const shown = options.shown ?? options.path;
  const allow = (options.allow ?? []).map(checkAllow);
  const { overrides = {}, given } = options;
  try {
    if (options.path === "-") {
      const { stdin = process.stdin, spoolDir, runId, onProgress } = options;
      const path = await spoolInput({ stdin, spoolDir, runId, onProgress });
      return await readLinesPlan({
        path,
        shown,
        format: "jsonl",
        name: "stdin",
        allow,
        overrides,
        given,
      });
    }
    const path = resolve(options.path);
    // A list of calls may be packed.
    const plain = path.replace(/(\.jsonl|\.txt)\.gz$/i, "$1");
    const format = extname(plain).toLowerCase().slice(1);
    const name = basename(plain, extname(plain));
    const { bytes } = await checkFile(path);
    switch (format) {
      case "jsonl":
      case "txt":
        return await readLinesPlan({ path, shown, format, name, allow, overrides, given });
      case "yaml":
      case "yml":
      case "json": {
        if (bytes > MAX_DEFINITION_BYTES) {
          throw new Fault(
            `has ${bytes} bytes; at most ${MAX_DEFINITION_BYTES}: put the rows into CSV or JSON Lines and name them under from`,
          );
        }
        const content = await readFile(path);
        const document = parseDefinition(content, format, shown);
        return await planFromDocument(document, {
          shown,
          baseDir: dirname(path),
          source: { path, shown, digest: hash("sha256", content) },
          fallbackName: name,
          allow,
          overrides,
          given,
        });
      }
      case "ts":
      case "mts":
      case "js":
      case "mjs": {
        const { spoolDir, runId, onProgress } = options;
        const { readModule } = await import("./module-plan.ts");
        const module = await readModule({ path, shown, spoolDir, runId, onProgress });
        return await readLinesPlan({
          ...module,
          format: "jsonl",
          shown,
          name,
          allow,
          overrides,
          given,
          unit: "call",
        });
      }
      case "csv":
        throw new Fault(
          `rows alone are no plan; name them under from in one. A${FORMATS.slice(1)}`,
        );
      default:
        throw new Fault(`the ending ${show(extname(path))} is not known; ${FORMATS}`);
    }
  } catch (error) {
    if (error instanceof Fault) {
      throw new SenpuError("plan", `${shown}: ${error.message}`, { cause: error });
    }
    if (error instanceof RangeError) {
      throw new SenpuError("plan", `${shown}: ${TOO_DEEP}`, {
        cause: error,
      });
    }
    throw error;
  }
}

/** The same for a definition that a program has made; `from` is relative to `baseDir`. */
export async function planFromObject(
  value: PlanInput,
  options: {
    readonly baseDir: string;
    readonly allow?: readonly string[];
    readonly overrides?: PlanOverrides;
    readonly given?: GivenLanes | undefined;
  },
): Promise<Plan> {
  const shown = "plan";
  const document: Document = { value, locate: () => undefined };
  try {
    return await planFromDocument(document, {
      shown,
      baseDir: resolve(options.baseDir),
      source: { path: "", shown, digest: hash("sha256", toJsonText(value)) },
      fallbackName: shown,
      allow: (options.allow ?? []).map(checkAllow),
      overrides: options.overrides ?? {},
      given: options.given,
    });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw new SenpuError("plan", `${shown}: ${error.message}`, { cause: error });
  }
}

function parseDefinition(
  content: Buffer,
  format: "yaml" | "yml" | "json",
  shown: string,
): Document {
  const check = createTextCheck("utf-8", PLAN_ADVICE);
  check.add(content);
  check.end();
  const text = content.toString("utf8").replace(/^\ufeff/, "");
  if (text.trim() === "") throw new Fault("the file is empty");
  const file = { kind: "plan", shown } as const;
  return format === "json" ? parseJson(text, file) : parseYaml(text, file);
}

/** A plan that is a list of calls. */
async function readLinesPlan(options: {
  readonly path: string;
  readonly shown: string;
  readonly format: "jsonl" | "txt";
  readonly name: string;
  readonly allow: readonly string[];
  readonly overrides: PlanOverrides;
  readonly given: GivenLanes | undefined;
  /** Default: those of everything. */
  readonly settings?: PlanSettings;
  /** What a line is, for messages. Default: a line. */
  readonly unit?: string;
}): Promise<Plan> {
  const { path, shown, format, name, allow, overrides, given, unit } = options;
  if (unit === undefined) await checkFile(path);
  const digest = await digestText({ path });
  const source = fromLines(path, shown, format, unit);
  if (await isBarren(source.read())) throw new Fault("the plan has no calls");
  const settings = options.settings ?? settingsSchema.parse({});
  if (given?.kind === "deployed") {
    const issues = loosenings(settings, given.config);
    if (issues.length > 0) throw issuesError({ kind: "plan", shown }, issues, () => undefined);
  }
  return assemblePlan({
    settings,
    fallbackName: name,
    source: { path, shown, digest },
    knownCalls: null,
    secrets: [],
    sources: [source],
    allow,
    overrides,
    given,
  });
}

async function isBarren(batches: AsyncIterable<readonly unknown[]>): Promise<boolean> {
  for await (const batch of batches) {
    if (batch.length > 0) return false;
  }
  return true;
}

export function checkAllow(text: string): string {
  const result = allowEntry.safeParse(text);
  if (result.success) return result.data;
  throw new SenpuError("usage", `--allow ${show(text)}: ${result.error.issues[0]?.message}`);
}
