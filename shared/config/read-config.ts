import { isUtf8 } from "node:buffer";
import { readFileSync, statSync } from "node:fs";
import { relative, resolve } from "node:path";
import { parseYaml } from "../document/document.ts";
import { issuesError, schemaError } from "../document/issues.ts";
import { SenpuError, messageOf } from "../errors.ts";
import { freezeDeep } from "../freeze-deep.ts";
import type { Config } from "./config.ts";
import { checkLanes, configSchema } from "./config-schema.ts";
import { checkSecretStore } from "./secrets-schema.ts";

/** Lanes take some hundred bytes each. */
const MAX_BYTES = 1_048_576;

/**
 * Reads and checks `senpu.config.yaml`. Throws {@link SenpuError} `config` with a line for each thing that is wrong with
 * it: file, line, column, field, the value and what would be right.
 */
export function readConfig(path: string): Config {
  const absolute = resolve(path);
  const fromHere = relative(process.cwd(), absolute);
  const shown = fromHere.length < absolute.length ? fromHere : absolute;
  const file = { kind: "config", shown } as const;
  const document = parseYaml(readText(absolute, shown), file);
  const result = configSchema.safeParse(document.value);
  const locate = document.locate.bind(document);
  if (!result.success) throw schemaError(file, result.error, document.value, locate);
  const { lanes, total, secrets } = result.data;
  const issues = [...checkLanes(lanes), ...checkSecretStore(lanes, secrets)];
  if (issues.length > 0) throw issuesError(file, issues, locate);
  return freezeDeep({
    path: absolute,
    shown,
    lanes,
    ...(secrets === undefined ? {} : { secrets }),
    ...(total === undefined ? {} : { total }),
  });
}

function readText(path: string, shown: string): string {
  const refuse = (why: string, cause?: unknown): never => {
    throw new SenpuError("config", `${shown}: ${why}`, { cause });
  };
  let content: Buffer;
  try {
    const { size } = statSync(path);
    if (size > MAX_BYTES) return refuse(`has ${size} bytes; at most ${MAX_BYTES}`);
    content = readFileSync(path);
  } catch (cause) {
    if (cause instanceof SenpuError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") return refuse("there is no such file", cause);
    return refuse(code === "EISDIR" ? "is a folder" : messageOf(cause), cause);
  }
  if (!isUtf8(content)) return refuse("the file is not text; it has other bytes than UTF-8");
  const text = content.toString("utf8").replace(/^\ufeff/, "");
  return text.trim() === "" ? refuse("the file is empty; declare lanes, or remove it") : text;
}
