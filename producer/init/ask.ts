import { confirm, isCancel, select, text } from "@clack/prompts";
import type { Readable, Writable } from "node:stream";
import { RATE_RIGHT, parseRate } from "../../shared/duration.ts";
import { EXIT, SenpuError, messageOf } from "../../shared/errors.ts";
import { METHODS } from "../../shared/model/call.ts";
import { guessId, readColumns } from "./read-columns.ts";
import { placeholder } from "./write-plan.ts";

/** What flags have said; what they have not is asked, or left to a default. */
export interface Words {
  readonly url: string | undefined;
  readonly from: string | undefined;
  readonly method: string | undefined;
  readonly id: string | undefined;
  readonly rate: string | undefined;
  readonly concurrency: number | undefined;
}

export interface Answers extends Words {
  readonly url: string;
  readonly method: string;
  readonly columns: readonly string[];
}

/** Where questions are asked: not on standard output, which is for what is asked for. */
export interface Terminal {
  readonly input: Readable;
  readonly output: Writable;
}

/** Asks for what is missing. Throws {@link Cancelled} when the person has had enough. */
export async function ask(words: Words, terminal: Terminal): Promise<Answers> {
  const from = words.from ?? (await askFrom(terminal));
  const columns = from === undefined ? [] : await readColumns(from, process.cwd());
  const id = words.id ?? (columns.length === 0 ? undefined : await askId(columns, terminal));
  const url = words.url ?? (await askUrl(columns, id, terminal));
  const method = words.method ?? (await askMethod(terminal));
  const rate = words.rate ?? (await askRate(terminal));
  const concurrency = words.concurrency ?? (await askConcurrency(terminal));
  return { url, from, method, id, rate, concurrency, columns };
}

/** Without a terminal: defaults for whatever no flag says. */
export async function takeDefaults(words: Words): Promise<Answers> {
  const { url, from, method = "GET" } = words;
  if (url === undefined) {
    throw new SenpuError(
      "usage",
      'senpu init: without a terminal to ask on, say what to call: --url "https://api.example.com/items/{{ id }}" --from rows.csv',
    );
  }
  const columns = from === undefined ? [] : await readColumns(from, process.cwd());
  return { ...words, url, method, columns, id: words.id ?? guessId(columns) };
}

export async function askOverwrite(path: string, terminal: Terminal): Promise<boolean> {
  return answered(
    await confirm({
      message: `${path} is there already. Overwrite it?`,
      initialValue: false,
      ...terminal,
    }),
  );
}

async function askFrom(terminal: Terminal): Promise<string | undefined> {
  const file = answered(
    await text({
      message: "A file of rows, a call each? (.csv or .jsonl, a path or URL; nothing for none)",
      placeholder: "customers.csv",
      defaultValue: "",
      ...terminal,
    }),
  ).trim();
  if (file === "") return undefined;
  try {
    await readColumns(file, process.cwd());
    return file;
  } catch (error) {
    if (!(error instanceof SenpuError)) throw error;
    terminal.output.write(`${messageOf(error)}\n`);
    return askFrom(terminal);
  }
}

async function askId(columns: readonly string[], terminal: Terminal): Promise<string | undefined> {
  const guess = guessId(columns);
  const chosen = answered(
    await select({
      message: "Which column tells the calls apart?",
      options: [
        ...columns.map((column) => ({ value: column, label: column })),
        { value: "", label: "none: derived from the call" },
      ],
      initialValue: guess ?? "",
      maxItems: 12,
      ...terminal,
    }),
  );
  return chosen === "" ? undefined : chosen;
}

function askUrl(
  columns: readonly string[],
  id: string | undefined,
  terminal: Terminal,
): Promise<string> {
  const column = id ?? columns[0];
  const initialValue = `https://api.example.com/items${column === undefined ? "" : `/${placeholder(column)}`}`;
  const offered = columns.length === 0 ? "" : ` (columns: ${columns.map(placeholder).join(", ")})`;
  return text({
    message: `Which URL?${offered}`,
    initialValue,
    validate: (value) =>
      /^(https?:\/\/|\{\{)/i.test(value ?? "")
        ? undefined
        : "an absolute URL, such as https://api.example.com/items",
    ...terminal,
  }).then(answered);
}

function askMethod(terminal: Terminal): Promise<string> {
  return select({
    message: "Which method?",
    options: METHODS.map((method) => ({ value: method as string, label: method as string })),
    initialValue: "GET",
    ...terminal,
  }).then(answered);
}

async function askRate(terminal: Terminal): Promise<string | undefined> {
  const rate = answered(
    await text({
      message: "How many calls may start, at the most? (20/s, 300/m, 1000/h; nothing for no limit)",
      placeholder: "20/s",
      defaultValue: "",
      validate: (value) =>
        (value ?? "") === "" || parseRate(value ?? "") !== undefined ? undefined : RATE_RIGHT,
      ...terminal,
    }),
  );
  return rate === "" ? undefined : rate;
}

async function askConcurrency(terminal: Terminal): Promise<number> {
  const count = answered(
    await text({
      message: "How many calls may be in flight at once?",
      initialValue: "8",
      validate: (value) =>
        /^[1-9]\d{0,4}$/.test(value ?? "") ? undefined : "a whole number from 1",
      ...terminal,
    }),
  );
  return Number(count);
}

/** The person pressed Ctrl-C or Escape. */
export class Cancelled extends Error {
  override readonly name = "Cancelled";
  readonly exitCode = EXIT.interrupted;
}

function answered<T>(answer: T): Exclude<T, symbol> {
  if (isCancel(answer)) throw new Cancelled("nothing was written");
  return answer as Exclude<T, symbol>;
}
