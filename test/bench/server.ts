import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { findFreePort, findProgram } from "./find-program.ts";
import type { ServerChoice } from "./options.ts";
import { readCpuMs } from "./processes.ts";
import type { Child, Scratch } from "./scratch.ts";

/** What all contestants call: in another process, with a short JSON answer to everything. */
export interface BenchServer {
  readonly kind: string;
  /** Without a slash at the end. */
  readonly url: string;
  /** Calls answered since it started. */
  count(): Promise<number>;
  /** Processor time it has taken, milliseconds. */
  cpuMs(): number | undefined;
}

/** Ends with the scratch. Throws when nginx was asked for and is not there. */
export async function startServer(scratch: Scratch, choice: ServerChoice): Promise<BenchServer> {
  const nginx = choice === "node" ? undefined : findProgram("nginx");
  if (nginx !== undefined) return await startNginx(scratch, nginx);
  if (choice === "nginx") throw new Error("--server nginx: nginx is not found on this machine");
  return await startNodeServer(scratch);
}

async function startNodeServer(scratch: Scratch): Promise<BenchServer> {
  const entry = fileURLToPath(new URL("./node-server-entry.ts", import.meta.url));
  const child = scratch.start(process.execPath, [entry]);
  child.stderr.resume();
  const [url] = (await Promise.race([
    once(createInterface(child.stdout), "line"),
    once(child, "exit").then(([code]) => {
      throw new Error(`the Node server ended with ${code}`);
    }),
  ])) as [string];
  return {
    kind: `Node ${process.version} http, 1 process`,
    url,
    count: async () => Number(await fetchText(`${url}/_count`)),
    cpuMs: () => readCpuMs(child.pid!),
  };
}

const PORT_TRIES = 3;

async function startNginx(scratch: Scratch, program: string): Promise<BenchServer> {
  const folder = scratch.makeFolder("nginx");
  for (let tries = 1; ; tries++) {
    const port = await findFreePort();
    const url = `http://127.0.0.1:${port}`;
    writeFileSync(join(folder, "nginx.conf"), nginxConfig(port));
    const child = scratch.start(program, ["-p", folder, "-c", join(folder, "nginx.conf")]);
    child.stdout.resume();
    child.stderr.resume();
    if (await answers(url, child)) {
      let asked = 0;
      return {
        kind: "nginx, 1 process",
        url,
        count: async () => {
          // The question counts itself, as do those before it, and the first look.
          const status = await fetchText(`${url}/_status`);
          return Number(status.match(/\n (\d+) (\d+) (\d+) /)?.[3]) - ++asked - 1;
        },
        cpuMs: () => readCpuMs(child.pid!),
      };
    }
    if (tries === PORT_TRIES) {
      throw new Error(`nginx did not start: ${readFileSync(join(folder, "error.log"), "utf8")}`);
    }
  }
}

/**
 * One process, so that none is left behind whatever ends it. Its temporary files are never written, but nginx makes
 * their folders at the start.
 */
function nginxConfig(port: number): string {
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `
daemon off;
master_process off;
pid nginx.pid;
error_log error.log;
events { worker_connections 8192; }
http {
  ${paths.map((name) => `${name}_temp_path ${name};`).join(" ")}
  access_log off;
  default_type application/json;
  keepalive_timeout 60s;
  keepalive_requests 1000000000;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / { return 200 '{"ok":true}'; }
    location = /_status { stub_status; }
  }
}
`;
}

const LOOK_MS = 20;
const LOOKS = 250;

/** False when the process ended first; throws when it neither answers nor ends. The last look is counted by it. */
async function answers(url: string, child: Child): Promise<boolean> {
  for (let looks = 0; looks < LOOKS; looks++) {
    await wait(LOOK_MS);
    if (child.exitCode !== null) return false;
    try {
      await fetchText(url);
      return true;
    } catch {
      // Not yet listening.
    }
  }
  throw new Error(`${url} does not answer`);
}

async function fetchText(url: string): Promise<string> {
  const answer = await fetch(url, { headers: { connection: "close" } });
  return await answer.text();
}
