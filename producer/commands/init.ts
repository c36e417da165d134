import type { Command } from "commander";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, extname, isAbsolute, relative, resolve } from "node:path";
import type { CommandContext } from "../../shared/command.ts";
import { parseYaml } from "../../shared/document/document.ts";
import { EXIT, SenpuError } from "../../shared/errors.ts";
import { METHODS } from "../../shared/model/call.ts";
import { writeText } from "../../shared/terminal/output.ts";
import { Cancelled, ask, askOverwrite, takeDefaults } from "../init/ask.ts";
import type { Answers, Terminal, Words } from "../init/ask.ts";
import { writePlan } from "../init/write-plan.ts";
import { planFromDocument } from "../plan/definition.ts";
import { isRemote } from "../plan/from-schema.ts";
import { readOverrides } from "./run-options.ts";

export function configure(command: Command): void {
  command
    .option("--url <url>", "what to call; may name columns: https://api.example.com/items/{{ id }}")
    .option("--from <file>", "rows, a call each: .csv or .jsonl, a path, s3://bucket/key or a URL")
    .option(
      "--id <column>",
      "whose value tells the calls apart; default: one that looks like an id",
    )
    .option("--method <method>", "default: GET")
    .option("--name <name>", "the run's name; default: the file's")
    .option("--concurrency <n>", "calls in flight at the most")
    .option("--rate <n/s>", "calls started at the most: 20/s, 300/m, 1000/h")
    .option("-o, --output <file>", "the plan's file; default: plan.yaml")
    .addHelpText(
      "after",
      `
Asks for what no flag says where there is a terminal, and takes defaults where there is none.
A file that is there already is overwritten by nobody who was not asked.

Examples:
  senpu init                                   asks what to call, and writes plan.yaml
  senpu init --from customers.csv -o crm.yaml  offers the columns of the header row
  senpu init --url "https://api.example.com/items/{{ id }}" --from ids.csv --rate 20/s
`,
    );
}

/** `senpu init`: a plan to begin with. */
export async function run(context: CommandContext): Promise<number> {
  const { common, options } = context;
  const words = readWords(options);
  const path = resolve((options["output"] as string | undefined) ?? "plan.yaml");
  const shown = relative(process.cwd(), path) || path;
  checkOutput(path, shown);
  const terminal = terminalOf(common.json);
  try {
    const flag = await howToWrite(path, shown, terminal);
    const answers = await (terminal === undefined ? takeDefaults(words) : ask(words, terminal));
    const text = await compose(answers, path, options["name"] as string | undefined);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text, { flag });
  } catch (error) {
    if (!(error instanceof Cancelled)) throw error;
    process.stderr.write("Nothing was written.\n");
    return error.exitCode;
  }
  const next = [`senpu plan ${shown}`, `senpu run ${shown}`];
  await writeText(
    process.stdout,
    common.json
      ? `${JSON.stringify({ plan: path, next })}\n`
      : `Wrote ${shown}. Next:\n  ${next[0]}    what it comes to; makes no call\n  ${next[1]}     makes every call\n`,
  );
  return EXIT.succeeded;
}

function readWords(options: Readonly<Record<string, unknown>>): Words {
  const text = (name: string): string | undefined => options[name] as string | undefined;
  const { concurrency } = readOverrides(options);
  const method = text("method")?.toUpperCase();
  if (method !== undefined && !METHODS.some((known) => known === method)) {
    throw new SenpuError("usage", `--method ${method}: one of ${METHODS.join(", ")}`);
  }
  return {
    url: text("url"),
    from: text("from"),
    id: text("id"),
    method,
    rate: text("rate"),
    concurrency,
  };
}

function checkOutput(path: string, shown: string): void {
  if ([".yaml", ".yml"].includes(extname(path).toLowerCase())) return;
  throw new SenpuError("usage", `-o ${shown}: a .yaml file, because remarks need one`);
}

/** Undefined where nobody can answer. */
function terminalOf(json: boolean): Terminal | undefined {
  const { stdin, stderr } = process;
  return !json && stdin.isTTY && stderr.isTTY ? { input: stdin, output: stderr } : undefined;
}

/** `wx`: nothing is there, nor may be by then; `w`: what is there may go. */
async function howToWrite(
  path: string,
  shown: string,
  terminal: Terminal | undefined,
): Promise<"wx" | "w"> {
  if (!existsSync(path)) return "wx";
  if (terminal === undefined) {
    throw new SenpuError(
      "usage",
      `${shown} is there already; name another file with -o, or remove it`,
    );
  }
  if (!(await askOverwrite(shown, terminal))) throw new Cancelled("nothing was written");
  return "w";
}

/** The plan's text, which is read as `senpu plan` reads it before anybody gets it. */
async function compose(answers: Answers, path: string, name: string | undefined): Promise<string> {
  const { from } = answers;
  const baseDir = dirname(path);
  const text = writePlan({
    ...answers,
    name: name ?? basename(path, extname(path)),
    from: from === undefined ? undefined : fromThere(from, baseDir),
    idColumn: from === undefined ? undefined : answers.id,
  });
  const file = { kind: "plan", shown: basename(path) } as const;
  const plan = await planFromDocument(parseYaml(text, file), {
    shown: file.shown,
    baseDir,
    source: { path, shown: file.shown, digest: "" },
    fallbackName: file.shown,
    allow: [],
    overrides: {},
    given: undefined,
  });
  await plan.release?.();
  return text;
}

/** A path that was named from here, as it is named from the plan's folder. */
function fromThere(from: string, folder: string): string {
  return isRemote(from) || isAbsolute(from) ? from : relative(folder, resolve(from));
}
