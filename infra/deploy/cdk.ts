import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { wholeEnvironment } from "../../shared/environment.ts";
import { SenpuError } from "../../shared/errors.ts";

/**
 * The one place where senpu meets the CDK command line (the pinned `aws-cdk` 2.x), as a process: it publishes assets,
 * makes a change set and carries it out, with the bootstrap's roles. What becomes of the stack is read from
 * CloudFormation itself, so that of what this process says nothing is relied on but its exit code; its last lines are
 * shown where CloudFormation knows of no reason.
 */
const require = createRequire(import.meta.url);

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));
const TAIL_LINES = 40;

export interface CdkEnd {
  readonly isDone: boolean;
  /** What it said last, plain, newest last. */
  readonly tail: readonly string[];
}

export interface CdkOptions {
  /** Ends it; CloudFormation goes on with what was begun. */
  readonly signal?: AbortSignal | undefined;
  readonly onLine?: (line: string) => void;
}

/**
 * The command line's words: this stack and no other, of an assembly that is synthesised already, so that what was shown
 * is what is deployed. `isAsked`: whoever runs it has seen what changes, and said yes; else the CDK refuses to widen what
 * anybody may do. `parameters`: of its template; one that is not named keeps the value that it has.
 */
export function deploymentWords(
  stack: string,
  assembly: string,
  isAsked: boolean,
  parameters: Readonly<Record<string, string>> = {},
): string[] {
  return [
    "deploy",
    stack,
    "--exclusively",
    "--app",
    assembly,
    "--require-approval",
    isAsked ? "never" : "broadening",
    "--progress",
    "events",
    "--no-notices",
    "--no-color",
    ...Object.entries(parameters).flatMap(([name, value]) => ["--parameters", `${name}=${value}`]),
  ];
}

/** Runs the command line. Throws {@link SenpuError} `config` where it is not installed. */
export async function runCdk(words: readonly string[], options: CdkOptions = {}): Promise<CdkEnd> {
  const child = spawn(process.execPath, [cdkProgram(), ...words], {
    cwd: PROJECT,
    env: { ...wholeEnvironment(), CDK_DISABLE_CLI_TELEMETRY: "true" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const closed = once(child, "close") as Promise<[number | null]>;
  const tail: string[] = [];
  const listen = async (stream: NodeJS.ReadableStream): Promise<void> => {
    for await (const raw of createInterface({ input: stream })) {
      const line = stripVTControlCharacters(raw).trimEnd();
      if (line === "") continue;
      tail.push(line);
      if (tail.length > TAIL_LINES) tail.shift();
      options.onLine?.(line);
    }
  };
  const end = (): void => void child.kill("SIGINT");
  options.signal?.addEventListener("abort", end, { once: true });
  try {
    const [[code]] = await Promise.all([closed, listen(child.stdout), listen(child.stderr)]);
    return { isDone: code === 0, tail };
  } finally {
    options.signal?.removeEventListener("abort", end);
  }
}

/** What it said of its failure: its line with ❌, else its last one. */
export function failureIn({ tail }: CdkEnd): string {
  const line = tail.findLast((one) => one.includes("❌")) ?? tail.at(-1) ?? "it says nothing";
  return line.replace("❌", "").trim();
}

function cdkProgram(): string {
  try {
    return join(dirname(require.resolve("aws-cdk/package.json")), "bin/cdk");
  } catch (cause) {
    throw new SenpuError(
      "config",
      "the CDK command line is not installed: npm ci in a checkout of senpu",
      { cause },
    );
  }
}
