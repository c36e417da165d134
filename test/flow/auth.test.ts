import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FlowStage, callsTo, readRun } from "../support/flow-stage.ts";
import type { Ended } from "../support/senpu-process.ts";

const stage = new FlowStage("auth");

/** The first test waits for the run that all of them look at. */
const RUN_TIMEOUT_MS = 120_000;

/** One planted secret of every source and use; none may be found in anything that is written or told. */
const SECRETS = {
  env: "env/+planted=7f1c9a52&b",
  file: "file/+planted=83b0d1e4&c",
  store: "store/+planted=90ffa6c7&d",
  basic: "basic/+planted=11d2c3b4&e",
  query: "query/+planted=5e6f7a8b&f",
  client: "client/+planted=c0ffee12&g",
  token: "token-planted-0a1b2c3d4e5f",
  proxy: "proxyplanted77aa66bb",
} as const;

async function listen(
  answer: (request: IncomingMessage, response: ServerResponse, body: string) => void,
): Promise<string> {
  const server = createServer((request, response) => {
    void text(request).then((body) => answer(request, response, body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  stage.onClose(async () => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Played {
  readonly ended: Ended;
  readonly told: readonly string[];
  readonly state: string;
  readonly url: string;
  readonly requests: Awaited<ReturnType<FlowStage["startServer"]>>["requests"];
  readonly tokenRequests: { readonly authorization: string; readonly body: string }[];
  readonly otherHeaders: Record<string, string | string[] | undefined>[];
}

async function play(): Promise<Played> {
  const api = await stage.startServer();
  const tokenRequests: Played["tokenRequests"] = [];
  const tokenUrl = await listen((request, response, body) => {
    tokenRequests.push({ authorization: request.headers.authorization ?? "", body });
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ access_token: SECRETS.token, token_type: "bearer" }));
  });
  const otherHeaders: Played["otherHeaders"] = [];
  const other = await listen((request, response) => {
    otherHeaders.push(request.headers);
    response.end();
  });
  api.on("elsewhere", async ({ response }) => {
    response.writeHead(302, { location: `${other}/landed` }).end();
  });
  const file = stage.write("a-secret", `${SECRETS.file}\n`);
  const folder = join(stage.folder, "secrets");
  mkdirSync(join(folder, "crm"), { recursive: true });
  writeFileSync(join(folder, "crm", "oauth"), JSON.stringify({ secret: SECRETS.client }));
  writeFileSync(join(folder, "crm", "key"), SECRETS.store);
  const lane = (path: string, auth: unknown): object => ({ match: `${api.url}${path}`, auth });
  const plan = stage.writePlan(
    "auth",
    [
      ...callsTo(`${api.url}/ok/oauth`, "oauth", 60),
      { id: "bearer", url: `${api.url}/ok/bearer?id=bearer` },
      { id: "bearer-post", method: "POST", url: `${api.url}/ok/bearer?id=bearer-post`, json: {} },
      { id: "basic", url: `${api.url}/ok/basic?id=basic` },
      { id: "query", url: `${api.url}/ok/query?id=query` },
      { id: "header", url: `${api.url}/elsewhere/header?id=header` },
      { id: "refused", url: `${api.url}/status/401?id=refused` },
      { id: "reset", url: `${api.url}/reset/query?id=reset`, timeout: "500ms" },
      { id: "none", url: `${api.url}/ok/none?id=none` },
      {
        id: "nowhere",
        url: "http://user:${env:PLANTED_ENV}@nowhere.invalid/?key=${env:PLANTED_ENV}",
        headers: { "x-own": "${secret:crm/key}" },
      },
    ],
    {
      defaults: { auth: { bearer: `\${file:${file}}` } },
      retry: { attempts: 2, backoff: { first: "10ms", max: "20ms" } },
      lanes: {
        oauth: lane("/ok/oauth", {
          oauth2: {
            tokenUrl: `${tokenUrl}/token`,
            clientId: "an id",
            clientSecret: "${secret:crm/oauth#secret}",
            scope: "read write",
          },
        }),
        basic: lane("/ok/basic", { basic: { username: "me", password: "${env:PLANTED_BASIC}" } }),
        query: lane("/ok/query", { apiKey: { query: "key", value: "${env:PLANTED_QUERY}" } }),
        lost: lane("/reset/query", { apiKey: { query: "key", value: "${env:PLANTED_QUERY}" } }),
        header: lane("/elsewhere/**", { apiKey: { header: "X-Key", value: "${secret:crm/key}" } }),
        none: lane("/ok/none", "none"),
      },
    },
  );
  const state = stage.newState();
  const env = {
    PLANTED_ENV: SECRETS.env,
    PLANTED_BASIC: SECRETS.basic,
    PLANTED_QUERY: SECRETS.query,
    SENPU_SECRETS: `env:SENPU_SECRET_,folder:${folder}`,
  };
  const words = ["run", plan, "--state", state, "--run-id", "auth", "--json"];
  const ended = await stage.run([...words, "--log-level", "debug"], { env });
  const told = [ended.stdout, ended.stderr];
  const page = join(state, "report.html");
  const looks = [
    ["plan", plan],
    ["status", "auth", "--json"],
    ["calls", "auth", "--json"],
    ["dlq", "--all", "--json"],
    ["replay", "auth", "--dry-run"],
    // A file in the state folder, of which every file is looked at.
    ["report", "auth", "-o", page],
    ["report", "auth", "--format", "csv"],
  ];
  const seen = {
    requests: [...api.requests],
    tokenRequests: [...tokenRequests],
    otherHeaders: [...otherHeaders],
  };
  // Once more by functions, for their logs.
  const place = ["--state", join(stage.folder, "functions")];
  const worker = stage.start(["worker", "--as", "lambda", "--log-level", "debug", ...place], {
    env,
  });
  const byFunctions = await stage.run(["run", plan, "--no-worker", "--run-id", "f", ...place], {
    env,
  });
  expect(byFunctions.exitCode, byFunctions.stderr).toBe(1);
  worker.kill("SIGTERM");
  const { stderr: functionLog } = await worker.ended;
  expect(functionLog).toMatch(/INFO\t\{"lane":"oauth"/);
  told.push(byFunctions.stdout, byFunctions.stderr, functionLog);
  for (const words of looks) {
    const looked = await stage.run([...words, "--state", state, "--log-level", "debug"], { env });
    expect(looked.exitCode, `${words.join(" ")}: ${looked.stderr}`).toBe(0);
    told.push(looked.stdout, looked.stderr);
  }
  return { ended, told, state, url: api.url, ...seen };
}

const played = play();

const seen = async (id: string) => (await played).requests.find((one) => one.id === id);

describe("a run with credentials of every kind", { timeout: RUN_TIMEOUT_MS }, () => {
  test("sends each lane's own, and fetches one token for all its calls", async () => {
    const { url, requests, tokenRequests, state } = await played;
    const oauth = requests.filter(({ id }) => id.startsWith("oauth"));
    expect(oauth).toHaveLength(60);
    expect(new Set(oauth.map(({ headers }) => headers["authorization"]))).toEqual(
      new Set([`Bearer ${SECRETS.token}`]),
    );
    expect(tokenRequests).toHaveLength(1);
    const pair = Buffer.from(`an%20id:${encodeURIComponent(SECRETS.client)}`).toString("base64");
    expect(tokenRequests[0]?.authorization).toBe(`Basic ${pair}`);
    expect(tokenRequests[0]?.body).toBe("grant_type=client_credentials&scope=read+write");
    expect((await seen("bearer"))?.headers["authorization"]).toBe(`Bearer ${SECRETS.file}`);
    expect((await seen("bearer-post"))?.headers["authorization"]).toBe(`Bearer ${SECRETS.file}`);
    const basic = Buffer.from(`me:${SECRETS.basic}`).toString("base64");
    expect((await seen("basic"))?.headers["authorization"]).toBe(`Basic ${basic}`);
    expect((await seen("query"))?.path).toBe(
      `/ok/query?id=query&key=${encodeURIComponent(SECRETS.query)}`,
    );
    expect((await seen("none"))?.headers["authorization"]).toBeUndefined();
    const { figures, rows } = await readRun(state, "auth");
    expect(figures).toMatchObject({ planned: 69, succeeded: 66, failed: 3 });
    expect(rows.find(({ id }) => id === "query")?.url).toBe(`${url}/ok/query?id=query`);
  });

  test("gives no key to another origin that a redirect leads to", async () => {
    const { otherHeaders } = await played;
    expect((await seen("header"))?.headers["x-key"]).toBe(SECRETS.store);
    expect(otherHeaders).toHaveLength(1);
    expect(otherHeaders[0]?.["x-key"]).toBeUndefined();
    expect(JSON.stringify(otherHeaders)).not.toContain("planted");
  });

  test("leaves no secret in any file of the state folder, nor in what is told, in whatever form", async () => {
    const { state, told } = await played;
    const forms = Object.values(SECRETS).flatMap((secret) => {
      const base64 = Buffer.from(secret).toString("base64").replace(/=+$/, "");
      return [secret, encodeURIComponent(secret), base64, JSON.stringify(secret).slice(1, -1)];
    });
    for (const text of told) for (const form of forms) expect(text).not.toContain(form);
    const files = [state, join(stage.folder, "functions")].flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: "utf8" })
        .map((name) => join(folder, name))
        .filter((path) => statSync(path).isFile()),
    );
    expect(files.length).toBeGreaterThan(3);
    for (const path of files) {
      const bytes = readFileSync(path);
      for (const form of forms) expect(bytes.includes(form), `${path} ${form}`).toBe(false);
    }
  });
});

test("a secret that does not exist is named, with where was looked, before anything is sent", async () => {
  const api = await stage.startServer();
  const plan = stage.writePlan("missing", callsTo(`${api.url}/ok`, "a", 3), {
    defaults: { auth: { bearer: "${secret:crm/nowhere}" } },
  });
  const state = stage.newState();
  const env = { SENPU_SECRETS: `env:SENPU_SECRET_,folder:${stage.folder}` };
  const { exitCode, stderr } = await stage.run(["run", plan, "--state", state], { env });
  expect(stderr).toContain("secret crm/nowhere does not exist");
  expect(stderr).toContain("environment variable SENPU_SECRET_CRM_NOWHERE");
  expect(stderr).toContain(`file ${join(stage.folder, "crm/nowhere")}`);
  expect(exitCode).toBe(2);
  expect(api.requests).toHaveLength(0);
});
