import {
  type Alias,
  type Document as YamlDocument,
  LineCounter,
  type Node,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  visit,
} from "yaml";
import { SenpuError, messageOf } from "../errors.ts";
import { TOO_DEEP } from "./fault.ts";
import type { Complaint, FieldPath, FileName, Position } from "./issues.ts";
import { fileError } from "./issues.ts";
import { findDuplicateKey, findJsonError } from "./json-text.ts";

/** A file's value, and where in the file each part of it stands. */
export interface Document {
  readonly value: unknown;
  /** Of the key, for a field; of the value, in a list. The nearest there is, for what is missing. */
  locate(path: FieldPath): Position | undefined;
}

/** Throws {@link SenpuError} of the file's kind for broken syntax. */
export function parseYaml(text: string, file: FileName): Document {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    merge: true,
    prettyErrors: false,
    stringKeys: true,
  });
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const complaints: Complaint[] = [...document.errors, ...document.warnings].map(
    ({ code, message, pos }) => ({
      position: at(pos[0]),
      text: yamlComplaint(code, message, file),
    }),
  );
  if (complaints.some(({ text }) => text.includes("call stack"))) {
    throw new SenpuError(file.kind, `${file.shown}: ${TOO_DEEP}`);
  }
  if (complaints.length === 0) {
    for (const { offset, text } of aliasFaults(document)) {
      complaints.push({ position: at(offset), text });
    }
  }
  if (complaints.length > 0) throw fileError(file, complaints);
  try {
    return {
      value: document.toJS({ maxAliasCount: 100 }) as unknown,
      locate: (path) => locate(document, path, at),
    };
  } catch (cause) {
    if (cause instanceof ReferenceError) {
      throw new SenpuError(
        file.kind,
        `${file.shown}: aliases multiply without measure; write the values out`,
        { cause },
      );
    }
    throw cause;
  }
}

/** The same for JSON: fast when all is well, and with positions where it is not. */
export function parseJson(text: string, file: FileName): Document {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const position = positionAt(text, findJsonError(text));
    const said = messageOf(cause).replace(/ \(line.*$| in JSON.*$|, ".*$/s, "");
    throw fileError(file, [{ position, text: `broken JSON: ${said}` }]);
  }
  const duplicate = findDuplicateKey(text);
  if (duplicate !== undefined) {
    const position = positionAt(text, duplicate.offset);
    throw fileError(file, [{ position, text: `${duplicate.key} stands twice` }]);
  }
  return { value, locate: (path) => locateInJson(text, file, path) };
}

/** JSON is YAML, whose parser knows where things stand; it is slow, so it is asked only where something is wrong. */
function locateInJson(text: string, file: FileName, path: FieldPath): Position | undefined {
  try {
    return parseYaml(text, file).locate(path);
  } catch {
    return undefined;
  }
}

const NOUN = { plan: "plan", config: "configuration" } as const;

function yamlComplaint(code: string, message: string, { kind }: FileName): string {
  switch (code) {
    case "DUPLICATE_KEY":
      return "this key stands twice";
    case "MULTIPLE_DOCS":
      return `a second document begins here; a ${NOUN[kind]} is one`;
    case "TAG_RESOLVE_FAILED":
      return `tags (!…) are not known in a ${NOUN[kind]}`;
    default:
      return `broken YAML: ${message}`;
  }
}

function aliasFaults(document: YamlDocument): { offset: number; text: string }[] {
  const faults: { offset: number; text: string }[] = [];
  visit(document, {
    Alias(_key, alias: Alias, path) {
      const target = alias.resolve(document);
      const offset = alias.range?.[0] ?? 0;
      if (target === undefined) {
        faults.push({ offset, text: `nothing is anchored as &${alias.source} before this alias` });
      } else if (path.includes(target)) {
        faults.push({ offset, text: `the alias *${alias.source} contains itself` });
      }
    },
  });
  return faults;
}

function locate(
  document: YamlDocument,
  path: FieldPath,
  at: (offset: number) => Position,
): Position | undefined {
  let node: unknown = document.contents;
  let offset = startOf(node);
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(
        ({ key }) => isScalar(key) && String(key.value) === String(step),
      );
      if (pair === undefined) break;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node) && typeof step === "number") {
      node = node.items[step];
      offset = startOf(node) ?? offset;
    } else break;
  }
  return offset === undefined ? undefined : at(offset);
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}

function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: offset - lineStart + 1 };
}
