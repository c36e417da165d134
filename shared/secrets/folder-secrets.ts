import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { SenpuError, messageOf } from "../errors.ts";
import type { SecretSource } from "./secret-source.ts";

/** More is no secret but a mistake. */
const MAX_BYTES = 65_536;

/** Secrets as files of a folder, as Docker and Kubernetes mount them: `crm/token` is `<folder>/crm/token`. */
export function openFolderSecrets(folder: string): SecretSource {
  return {
    read: (name) => readSecretFile(join(folder, name)),
    describe: (name) => `file ${join(folder, name)}`,
  };
}

/** The file's text without the line break that editors put at its end; undefined: there is none. */
export async function readSecretFile(path: string): Promise<string | undefined> {
  let content: Buffer;
  try {
    content = await readFile(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR") return undefined;
    throw new SenpuError("secrets", `file ${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
  if (content.length > MAX_BYTES) {
    throw new SenpuError(
      "secrets",
      `file ${path} has ${content.length} bytes; a secret has ${MAX_BYTES} at the most`,
    );
  }
  return content.toString("utf8").replace(/\r?\n$/, "");
}
