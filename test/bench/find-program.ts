import { accessSync, constants } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { delimiter, join } from "node:path";
import { environmentVariable } from "../../shared/environment.ts";

/** Where servers are installed that are not meant to be on everybody's PATH. */
const MORE_FOLDERS = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin"];

/** Its path, or undefined where it is not installed. */
export function findProgram(name: string): string | undefined {
  const folders = [...(environmentVariable("PATH") ?? "").split(delimiter), ...MORE_FOLDERS];
  return folders
    .filter(Boolean)
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** For programs that cannot choose one themselves. Another may be faster to take it. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
