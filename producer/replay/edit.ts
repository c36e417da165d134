import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fault, show } from "../../shared/document/fault.ts";
import { environmentVariable } from "../../shared/environment.ts";
import { SenpuError, messageOf } from "../../shared/errors.ts";
import type { Call } from "../../shared/model/call.ts";
import { parseJsonLine } from "../plan/json-line.ts";
import { fromWritten, toWritten } from "./written-call.ts";

/**
 * Has a person edit calls as JSON Lines in `$EDITOR`. Resolves with what is left of them, by id; a call whose line was
 * deleted is not among them. Throws SenpuError `usage` that names line and field of an edit that breaks a call; the
 * edited file is kept then, so that no work is lost.
 */
export async function editCalls(calls: readonly Call[]): Promise<ReadonlyMap<string, Call>> {
  const editor = environmentVariable("EDITOR");
  if (editor === undefined || editor.trim() === "") {
    throw new SenpuError(
      "usage",
      "--edit opens the calls in $EDITOR, which is not set; EDITOR=vi, for instance",
    );
  }
  // Calls may hold what is nobody's business: the folder is the person's own.
  const folder = mkdtempSync(join(tmpdir(), "senpu-replay-"));
  const path = join(folder, "calls.jsonl");
  const lines = calls.map((call) => JSON.stringify(toLine(call)));
  writeFileSync(path, lines.map((line) => `${line}\n`).join(""));
  await openEditor(editor, path);
  const edited = readEdited(readFileSync(path, "utf8"), calls, lines, path);
  rmSync(folder, { recursive: true, force: true });
  return edited;
}

function toLine(call: Call): unknown {
  try {
    return toWritten(call);
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause;
    throw new SenpuError("usage", `call ${show(call.id)} cannot be edited: ${cause.message}`, {
      cause,
    });
  }
}

async function openEditor(editor: string, path: string): Promise<void> {
  // By a shell, since `code --wait` is an editor too. Its screen is the terminal, never what a script reads from us.
  const screen = process.stdout.isTTY ? "inherit" : 2;
  const child =
    process.platform === "win32"
      ? spawn(`${editor} "${path}"`, { shell: true, stdio: ["inherit", screen, "inherit"] })
      : spawn("/bin/sh", ["-c", `${editor} "$1"`, "senpu", path], {
          stdio: ["inherit", screen, "inherit"],
        });
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  if (code === 0) return;
  throw new SenpuError(
    "usage",
    `EDITOR ${show(editor)} ended with ${signal ?? `exit code ${code}`}; nothing was sent`,
  );
}

/** `lines`: the calls as they were written; one that has not changed is not read again. Pure. */
export function readEdited(
  text: string,
  calls: readonly Call[],
  lines: readonly string[],
  path: string,
): ReadonlyMap<string, Call> {
  const unchanged = new Map(lines.map((line, index) => [line, calls[index]!]));
  const byId = new Map(calls.map((call) => [call.id, call]));
  const edited = new Map<string, Call>();
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    try {
      const call = unchanged.get(line.trim()) ?? readLine(line, byId);
      if (edited.has(call.id)) throw new Fault(`id: ${show(call.id)} stands twice`);
      edited.set(call.id, call);
    } catch (cause) {
      if (!(cause instanceof Fault)) throw cause;
      throw new SenpuError(
        "usage",
        `${path}:${index + 1} ${messageOf(cause)}; nothing was sent, the file is kept`,
        { cause },
      );
    }
  }
  return edited;
}

function readLine(line: string, byId: ReadonlyMap<string, Call>): Call {
  const written = parseJsonLine(line.trim());
  const id = typeof written === "object" && written !== null && "id" in written ? written.id : null;
  if (typeof id !== "string" && typeof id !== "number") {
    throw new Fault("id: is missing; a line is one of the calls, and keeps its id");
  }
  const original = byId.get(String(id));
  if (original === undefined) {
    throw new Fault(
      `id: ${show(id)} is none of the chosen calls; lines can be changed and deleted, not added`,
    );
  }
  return fromWritten(written, original);
}
