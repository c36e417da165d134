import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { text } from "node:stream/consumers";
import { wholeEnvironment } from "../../shared/environment.ts";
import { SenpuError } from "../../shared/errors.ts";
import type { Template } from "../checks/template.ts";

/** One stack as it was synthesised: what a deployment would make of it. */
export interface SynthesisedStack {
  /** Its construct's, the same in each environment: `pipeline`. */
  readonly id: string;
  /** CloudFormation's: `senpu-test-pipeline`. */
  readonly stackName: string;
  readonly region: string;
  readonly template: Template;
  /** Where a resource stands among the constructs, by its logical id: `backbone/lane-crm`. */
  readonly paths: ReadonlyMap<string, string>;
  /** The least version of the bootstrap stack that its assets need. */
  readonly bootstrapVersion: number;
  /** Containers run in it, and their image is built on this machine. */
  readonly needsImage: boolean;
}

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));

/** Where an environment's assembly lies, as `cdk` takes it for its `--app`, from the project's folder. */
export function assemblyFolder(environment: string): string {
  return join("dist/cdk.out", environment);
}

/**
 * Bundles the functions and synthesises the environment into {@link assemblyFolder}, in a process of its own: the CDK
 * takes seconds to load. Throws {@link SenpuError} `config` with what that process said.
 */
export async function synthesiseApart(environment: string): Promise<void> {
  const child = spawn(process.execPath, ["infra/app.ts", environment], {
    cwd: PROJECT,
    env: { ...wholeEnvironment(), CDK_OUTDIR: join(PROJECT, assemblyFolder(environment)) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [said, told, [code]] = await Promise.all([
    text(child.stderr),
    text(child.stdout),
    once(child, "close") as Promise<[number | null]>,
  ]);
  if (code === 0) return;
  const why = `${told}${said}`.trim() || "it says nothing";
  throw new SenpuError("config", `${environment} cannot be synthesised:\n${why}`);
}

interface Artifact {
  readonly type: string;
  /** `aws://unknown-account/ap-northeast-1` */
  readonly environment?: string;
  readonly dependencies?: readonly string[];
  readonly additionalMetadataFile?: string;
  readonly properties?: {
    readonly templateFile?: string;
    readonly stackName?: string;
    readonly requiresBootstrapStackVersion?: number;
    readonly file?: string;
  };
}

/** The stacks of an assembly, each after those that it depends on. `folder`: absolute, or from the project's. */
export function readAssembly(folder: string): SynthesisedStack[] {
  const at = (name: string): string => resolve(PROJECT, folder, name);
  const read = (name: string): unknown => JSON.parse(readFileSync(at(name), "utf8"));
  const { artifacts } = read("manifest.json") as {
    artifacts: Readonly<Record<string, Artifact>>;
  };
  const found: SynthesisedStack[] = [];
  const visit = (id: string): void => {
    const artifact = artifacts[id];
    if (artifact?.type !== "aws:cloudformation:stack" || found.some((one) => one.id === id)) return;
    const { dependencies = [], additionalMetadataFile, environment = "", properties } = artifact;
    for (const dependency of dependencies) visit(dependency);
    found.push({
      id,
      stackName: properties?.stackName ?? id,
      region: environment.slice(environment.lastIndexOf("/") + 1),
      template: read(properties?.templateFile ?? "") as Template,
      paths:
        additionalMetadataFile === undefined ? new Map() : readPaths(read(additionalMetadataFile)),
      bootstrapVersion: properties?.requiresBootstrapStackVersion ?? 0,
      needsImage: dependencies.some((dependency) => hasImages(artifacts[dependency], read)),
    });
  };
  for (const id of Object.keys(artifacts)) visit(id);
  return found;
}

/** `/pipeline/backbone/lane-crm/Resource` names the resource of the construct before it. */
function readPaths(metadata: unknown): Map<string, string> {
  const paths = new Map<string, string>();
  const entries = metadata as Readonly<Record<string, { type: string; data?: unknown }[]>>;
  for (const [path, notes] of Object.entries(entries)) {
    const id = notes.find(({ type }) => type === "aws:cdk:logicalId")?.data;
    const short = path.replace(/^\/[^/]+\//, "").replace(/\/Resource$/, "");
    if (typeof id === "string") paths.set(id, short);
  }
  return paths;
}

function hasImages(artifact: Artifact | undefined, read: (name: string) => unknown): boolean {
  const file = artifact?.type === "cdk:asset-manifest" ? artifact.properties?.file : undefined;
  if (file === undefined) return false;
  const { dockerImages = {} } = read(file) as { dockerImages?: object };
  return Object.keys(dockerImages).length > 0;
}
