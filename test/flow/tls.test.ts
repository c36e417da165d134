import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createProxy } from "node:http";
import type { Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FlowStage, callsTo, readRun } from "../support/flow-stage.ts";

/** Calls over TLS, to a server whose certificate is made here, directly and through proxies. */

const stage = new FlowStage("tls");
const CALLS = 40;
const PAIR = { key: join(stage.folder, "key.pem"), cert: join(stage.folder, "cert.pem") };

/** A certificate for this machine, as a company's own authority would give one; false where there is no openssl. */
function makeCertificate(): boolean {
  const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  const kind = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"];
  try {
    execFileSync("openssl", ["req", ...kind, "-keyout", PAIR.key, "-out", PAIR.cert, ...subject], {
      stdio: "ignore",
    });
    return true;
  } catch {
    console.warn("skipped: calls over TLS need openssl, to make a certificate");
    return false;
  }
}

const isThere = makeCertificate();
const pair = (): { key: Buffer; cert: Buffer } => ({
  key: readFileSync(PAIR.key),
  cert: readFileSync(PAIR.cert),
});

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  stage.onClose(async () => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

interface Seen {
  readonly id: string;
  readonly authorization: string | undefined;
}

async function startApi(): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const port = await listen(
    createTlsServer(pair(), ({ url = "", headers }, response) => {
      const id = new URL(url, "https://api").searchParams.get("id") ?? "";
      seen.push({ id, authorization: headers.authorization });
      response.end('{"ok":true}');
    }),
  );
  return { url: `https://127.0.0.1:${port}`, seen };
}

/** Tunnels whatever it is asked to; what it could read of that is in `read`. */
async function startTunnels(
  secure: boolean,
): Promise<{ url: string; asked: string[]; read: Buffer[] }> {
  const asked: string[] = [];
  const read: Buffer[] = [];
  const proxy = secure ? createTlsServer(pair()) : createProxy();
  proxy.on("connect", ({ url = "", headers }, socket: Socket) => {
    asked.push(`${url} ${headers["proxy-authorization"] ?? ""}`.trim());
    const [host, port] = url.split(":");
    const upstream = connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 Connected\r\n\r\n");
      socket.on("data", (bytes: Buffer) => read.push(bytes));
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on("error", () => socket.destroy());
    socket.on("error", () => upstream.destroy());
  });
  const port = await listen(proxy);
  return {
    url: `${secure ? "https" : "http"}://me:\${env:PROXY_WORD}@127.0.0.1:${port}`,
    asked,
    read,
  };
}

async function runOver(
  name: string,
  api: Awaited<ReturnType<typeof startApi>>,
  more: object,
  env: Readonly<Record<string, string>> = { NODE_EXTRA_CA_CERTS: PAIR.cert },
) {
  const plan = stage.writePlan(name, callsTo(`${api.url}/ok`, name, CALLS), {
    lanes: { default: { concurrency: 4 } },
    retry: { attempts: 1 },
    expect: "$.ok = true",
    ...more,
  });
  const state = stage.newState();
  const ended = await stage.run(["run", plan, "--run-id", "r", "--state", state], { env });
  expect(ended.exitCode, ended.stderr).toBeLessThan(2);
  return { ended, ...(await readRun(state, "r")) };
}

test.runIf(isThere).each([
  ["directly", undefined],
  ["through a tunnel of a proxy", false],
  ["through a tunnel of a proxy that is spoken to over TLS itself", true],
])("calls over TLS are made, %s", async (_how, secure) => {
  const api = await startApi();
  const tunnels = secure === undefined ? undefined : await startTunnels(secure);
  const auth = { defaults: { auth: { bearer: "${env:PLANTED}" } } };
  const proxy = tunnels === undefined ? {} : { proxy: tunnels.url };
  const env = { NODE_EXTRA_CA_CERTS: PAIR.cert, PLANTED: "planted-token", PROXY_WORD: "word" };
  const { ended, figures } = await runOver("tls", api, { ...auth, ...proxy }, env);
  expect(ended.exitCode, ended.stderr + ended.stdout).toBe(0);
  expect(figures).toMatchObject({ succeeded: CALLS, attempts: CALLS });
  expect(new Set(api.seen.map(({ id }) => id)).size).toBe(CALLS);
  expect(api.seen.every(({ authorization }) => authorization === "Bearer planted-token")).toBe(
    true,
  );
  if (tunnels === undefined) return;
  const basic = Buffer.from("me:word").toString("base64");
  expect(new Set(tunnels.asked)).toEqual(new Set([`${new URL(api.url).host} Basic ${basic}`]));
  // Tunnels are kept (one or two a slot), and what goes through them is nothing that the proxy can read.
  expect(tunnels.asked.length).toBeLessThanOrEqual(8);
  const read = Buffer.concat(tunnels.read);
  expect(read.length).toBeGreaterThan(1_000);
  expect(read.includes("planted-token")).toBe(false);
});

test.runIf(isThere)(
  "a certificate that nobody vouches for is an error that says so, and no call is sent",
  async () => {
    const api = await startApi();
    const { ended, figures, rows } = await runOver("doubted", api, {}, {});
    expect(ended.exitCode).toBe(1);
    expect(figures).toMatchObject({ failed: CALLS });
    expect(rows[0]?.error).toMatch(/self-signed certificate/);
    expect(ended.stdout).toMatch(/self-signed certificate/);
    expect(api.seen).toEqual([]);
  },
);
