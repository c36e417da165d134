import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";
import { parseAllDocuments, stringify } from "yaml";
import { findKubernetesTools, runTool } from "../../support/kubernetes-tools.ts";
import type { ToolEnded } from "../../support/kubernetes-tools.ts";

/** An object as the chart renders it; its fields are what the tests ask of it. */
export interface Rendered {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly [field: string]: unknown;
}

const CHART = fileURLToPath(new URL("../../../infra/kubernetes", import.meta.url));
export const found = findKubernetesTools();
export const skipped = typeof found === "string";
const tools = typeof found === "string" ? { helm: "", kubectl: "" } : found;

const folder = mkdtempSync(join(tmpdir(), "senpu-chart-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

/** A file that goes with the tests. */
function write(text: string): string {
  const path = join(folder, `${++files}.yaml`);
  writeFileSync(path, text);
  return path;
}

/** The name of a file in `examples/`; `none`: no values but the chart's own. */
type Example = "workers" | "everything" | "none";

function valuesOf(example: Example, more: object): string[] {
  const values = example === "none" ? [] : [join(CHART, "examples", `${example}.yaml`)];
  return [...values, write(stringify(more))].flatMap((path) => ["--values", path]);
}

/** `helm lint --strict`, with an example and what is laid over it. */
export function lint(example: Example): Promise<ToolEnded> {
  return runTool(tools.helm, ["lint", "--strict", CHART, ...valuesOf(example, {})]);
}

export function helmTemplate(example: Example, more: object = {}): Promise<ToolEnded> {
  const words = ["template", "nightly-calls", CHART, "--namespace", "batch"];
  return runTool(tools.helm, [...words, ...valuesOf(example, more)]);
}

/** Throws what helm says against the values. */
export async function render(example: Example, more: object = {}): Promise<Rendered[]> {
  const { ok, stdout, stderr } = await helmTemplate(example, more);
  if (!ok) throw new Error(stderr);
  return parseAllDocuments(stdout)
    .map((document) => document.toJS() as Rendered | null)
    .filter((object) => object !== null);
}

/**
 * What kubectl makes of objects: it reads them into Kubernetes' own types, and writes down what those hold. A value of a
 * wrong type is an error, and a field that the types do not have is gone. kubectl shows only what has a template of pods;
 * of anything else it says the type that it was read into.
 */
export async function throughKubernetes(objects: readonly object[]): Promise<ToolEnded> {
  const path = write(objects.map((object) => JSON.stringify(object)).join("\n---\n"));
  // What does not change is not shown; a variable more comes last, and loses nothing.
  const words = ["set", "env", "--local", "--filename", path, "--output", "json", "READ=yes"];
  return runTool(tools.kubectl, words);
}

/** Paths of fields that `known`, which went through Kubernetes' types, has lost. */
export function lostFields(given: unknown, known: unknown, path = ""): string[] {
  if (typeof given !== "object" || given === null) return [];
  return Object.entries(given).flatMap(([name, value]) => {
    const here = `${path}.${name}`;
    const there = (known as Record<string, unknown> | undefined)?.[name];
    // Go leaves out what is zero or empty, and so is as good as not there.
    if (there === undefined) return isZero(value) ? [] : [here];
    return lostFields(value, there, here);
  });
}

function isZero(value: unknown): boolean {
  return value === false || value === 0 || value === "";
}
