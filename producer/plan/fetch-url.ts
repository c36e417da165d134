import { createWriteStream } from "node:fs";
import http from "node:http";
import type { IncomingMessage } from "node:http";
import https from "node:https";
import { pipeline } from "node:stream/promises";
import { Fault, show } from "../../shared/document/fault.ts";
import { formatDuration } from "../../shared/duration.ts";
import { environmentVariable, wholeEnvironment } from "../../shared/environment.ts";
import { messageOf } from "../../shared/errors.ts";
import { checkRoom } from "./fetched-folder.ts";

const MAX_REDIRECTS = 5;
/** Until the answer begins, and between two pieces of it; a large file takes longer as a whole. */
const SILENCE_MS = 30_000;

type Headers = Readonly<Record<string, string>>;

/**
 * Fetches a URL into a file, streamed; returns it as it may be shown: without its query, which may hold a signature.
 * `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` hold. By Node's own client: of undici, functions carry a pool and no more.
 *
 * What is guarded: the author of the plan chose the URL, as a file's path, so it may lead anywhere, internal hosts
 * included. A redirect is the server's word: it is followed within the URL's own origin, and to https elsewhere, without
 * the headers then; never to plain http elsewhere, where the metadata of a cloud's machine would be.
 *
 * Throws a {@link Fault} for any other answer than 200, and for one that ends early.
 */
export async function fetchUrl(address: string, headers: Headers, path: string): Promise<string> {
  const first = new URL(resolveVariables(address));
  const shown = showUrl(first);
  try {
    await pipeline(await ask(first, headers), createWriteStream(path, { mode: 0o600 }));
    return shown;
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault(`it ${complaint(cause)}`, { cause });
  }
}

/** The answer that is 200, wherever redirects have led. */
async function ask(first: URL, headers: Headers): Promise<IncomingMessage> {
  const own = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, resolveVariables(value)]),
  );
  let url = first;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const answer = await get(url, url.origin === first.origin ? own : {});
    const { statusCode = 0 } = answer;
    const { location, "content-length": length = "0" } = answer.headers;
    if (statusCode === 200) {
      await checkRoom(Number(length)).catch((error: unknown) => {
        answer.destroy();
        throw error;
      });
      return answer;
    }
    // What it says besides is not read.
    answer.on("error", () => {}).destroy();
    if (!REDIRECTS.has(statusCode) || location === undefined) {
      throw new Fault(`${nameOf(url, first)} answered ${statusCode}, and rows come with 200`);
    }
    url = follow(url, location, first);
  }
  throw new Fault(`it redirects more than ${MAX_REDIRECTS} times`);
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

function get(url: URL, headers: Headers): Promise<IncomingMessage> {
  const { Agent, get: start } = url.protocol === "https:" ? https : http;
  return new Promise((resolve, reject) => {
    const request = start(
      url,
      {
        agent: new Agent({ proxyEnv: wholeEnvironment() }),
        headers: { "user-agent": "senpu", accept: "*/*", ...headers },
        timeout: SILENCE_MS,
      },
      resolve,
    );
    request.on("timeout", () => {
      request.destroy(new Error(`nothing came for ${formatDuration(SILENCE_MS)}`));
    });
    request.on("error", reject);
  });
}

function follow(from: URL, location: string, first: URL): URL {
  const to = URL.parse(location, from.href);
  if (to === null) {
    throw new Fault(`${nameOf(from, first)} redirects to ${show(location)}, which is no URL`);
  }
  if (to.origin === first.origin || to.protocol === "https:") return to;
  throw new Fault(
    `${nameOf(from, first)} redirects to ${showUrl(to)}: a redirect to another origin is followed to https alone; name that URL under from if it is meant`,
  );
}

/** Whoever is told knows which URL was asked for. */
function nameOf(url: URL, first: URL): string {
  return url === first ? "it" : showUrl(url);
}

/** Without what may be a secret. */
function showUrl({ origin, pathname }: URL): string {
  return origin + pathname;
}

function complaint(cause: unknown): string {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === "ENOSPC") return "is larger than what the temporary folder has room for";
  if (code === "ERR_STREAM_PREMATURE_CLOSE" || messageOf(cause) === "aborted") {
    return "ended its answer too early";
  }
  const inner = cause instanceof AggregateError ? cause.errors[0] : cause;
  return `cannot be fetched: ${messageOf(inner) || String(code)}`;
}

/** `${env:NAME}` of this process; `$${` is a plain `${`. Throws a {@link Fault} for a variable that is not set. */
function resolveVariables(text: string): string {
  return text.replaceAll(/\$\$\{|\$\{env:([A-Za-z_]\w*)\}/g, (_found, name?: string) => {
    if (name === undefined) return "${";
    const value = environmentVariable(name);
    if (value === undefined) {
      throw new Fault(`the environment variable ${name} is not set here; headers need it`);
    }
    return value;
  });
}
