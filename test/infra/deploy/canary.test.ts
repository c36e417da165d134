import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { ListQueuesCommand } from "@aws-sdk/client-sqs";
import { ListSubscriptionsCommand } from "@aws-sdk/client-sns";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { startRecorder, startWorker } from "../../../consumer/index.ts";
import { callLanes } from "../../../infra/deploy/canary/call-lanes.ts";
import type { CanaryLane, CanaryOptions } from "../../../infra/deploy/canary/call-lanes.ts";
import { canaryLanes } from "../../../infra/deploy/canary/canary.ts";
import { LedgerWatch } from "../../../infra/deploy/canary/ledger-watch.ts";
import type { OutcomeWatch } from "../../../infra/deploy/canary/outcome-watch.ts";
import { QueueWatch } from "../../../infra/deploy/canary/queue-watch.ts";
import { createBroker } from "../../../shared/broker/aws-broker.ts";
import { createAwsClients } from "../../../shared/broker/aws-clients.ts";
import type { AwsClients } from "../../../shared/broker/aws-clients.ts";
import type { Broker } from "../../../shared/broker/broker.ts";
import { laneQueue } from "../../../shared/broker/broker.ts";
import { openAnswers } from "../../../shared/answers/open.ts";
import { openClaims } from "../../../shared/claims/open.ts";
import type { RunningRecorder, RunningWorker } from "../../../shared/command.ts";
import { createMemoryCoordination } from "../../../shared/coordination/memory-coordination.ts";
import { HEARTBEAT_DEAD_MS } from "../../../shared/ledger/ledger.ts";
import { openSqliteLedger } from "../../../shared/ledger/sqlite-ledger.ts";
import type { CanaryCrashOptions } from "../../support/canary-crash-child.ts";
import { FlowStage } from "../../support/flow-stage.ts";
import type { MisbehavingServer } from "../../support/misbehaving-server.ts";
import { startFauxqs } from "../../../shared/broker/fauxqs-broker.ts";

/** A lane with a worker, a lane without one, and a recorder, as a deployment has them. */

const stage = new FlowStage("canary");
let server: MisbehavingServer;
let broker: Broker;
let clients: AwsClients;
let endpoint: string;
let worker: RunningWorker;
let recorder: RunningRecorder;

beforeAll(async () => {
  server = await stage.startServer();
  const aws = await startFauxqs({ dataDir: join(stage.folder, "aws") });
  stage.onClose(() => aws.stop());
  const { endpointUrl } = aws;
  endpoint = endpointUrl;
  broker = createBroker({ endpointUrl });
  clients = createAwsClients({ endpointUrl });
  await broker.ensure(["crm", "idle"]);
  worker = await startWorker({
    broker,
    coordination: createMemoryCoordination(),
    claims: openClaims(join(stage.folder, "claims")),
    answers: openAnswers(join(stage.folder, "answers")),
    name: "canary-worker",
    declared: [{ lane: "crm", concurrency: 2 }],
    only: ["crm"],
  });
  recorder = await startRecorder({ state: stage.folder, endpointUrl });
});
afterAll(async () => {
  await worker.stop();
  await recorder.stop();
  clients.destroy();
  await broker.close();
});

function queueWatch(): OutcomeWatch {
  const home = { partition: "aws", region: "us-east-1", account: "000000000000" };
  return new QueueWatch({ clients, prefix: "senpu", home });
}

function lane(name: string, path: string): CanaryLane {
  return { name, url: `${server.url}${path}`, timeoutMs: 5_000 };
}

function call(
  lanes: readonly CanaryLane[],
  watch: OutcomeWatch,
  more: Partial<CanaryOptions> = {},
) {
  return callLanes(lanes, {
    broker,
    watch,
    patienceMs: 60_000,
    againMs: 60_000,
    allow: ["127.0.0.1"],
    onWaiting: () => {},
    ...more,
  });
}

async function leftovers(): Promise<unknown[]> {
  const { QueueUrls = [] } = await clients.sqs.send(
    new ListQueuesCommand({ QueueNamePrefix: "senpu-canary" }),
  );
  const { Subscriptions = [] } = await clients.sns.send(new ListSubscriptionsCommand({}));
  return [...QueueUrls, ...Subscriptions.filter(({ Endpoint }) => Endpoint?.includes("canary"))];
}

test("without a ledger a lane's call is seen on a queue that lasts as long as the canary", async () => {
  const results = await call([lane("crm", "/ok")], queueWatch());
  expect(results).toMatchObject([{ lane: "crm", state: "succeeded", status: 200 }]);
  expect(
    server.requests.filter(({ method, path }) => method === "GET" && path === "/ok"),
  ).toHaveLength(1);
  expect(await leftovers()).toEqual([]);
});

test("with a ledger it is seen where the recorder wrote it, as a run named canary that has settled", async () => {
  const ledger = openSqliteLedger(join(stage.folder, "ledger.db"));
  try {
    const results = await call([lane("crm", "/ok")], new LedgerWatch(ledger, 20));
    expect(results).toMatchObject([{ lane: "crm", state: "succeeded", status: 200 }]);
    expect(await ledger.listRuns(1)).toMatchObject([{ name: "canary", state: "settled" }]);
  } finally {
    await ledger.close();
  }
});

const CHILD = fileURLToPath(new URL("../../support/canary-crash-child.ts", import.meta.url));

function startDying(lanes: readonly CanaryLane[], dies: CanaryCrashOptions["dies"]): ChildProcess {
  const ledgerFile = join(stage.folder, "ledger.db");
  const options: CanaryCrashOptions = { endpointUrl: endpoint, ledgerFile, lanes, dies };
  return spawn(process.execPath, [CHILD, JSON.stringify(options)], { stdio: "inherit" });
}

/** Of the newest canary's run, now and once its heartbeat counts as dead. */
async function newestRun() {
  const ledger = openSqliteLedger(join(stage.folder, "ledger.db"));
  try {
    const [run] = await ledger.listRuns(1);
    const calls: string[] = [];
    for await (const { id, state } of ledger.calls(run!.id, {})) calls.push(`${id} ${state}`);
    const later = await ledger.figures(run!.id, Date.now() + HEARTBEAT_DEAD_MS + 1_000);
    return { name: run!.name, calls, later };
  } finally {
    await ledger.close();
  }
}

test("F4: killed once its run is stored, a canary leaves a run without calls, which shows as interrupted", async () => {
  const before = server.requests.length;
  const child = startDying([lane("crm", "/ok")], "before publishing");
  const [, signal] = (await once(child, "exit")) as [number | null, string | null];
  expect(signal).toBe("SIGKILL");
  expect(await newestRun()).toMatchObject({
    name: "canary",
    calls: [],
    later: { state: "interrupted", attempts: 0 },
  });
  expect(server.requests).toHaveLength(before);
});

test("F4: killed as it waits, a canary leaves calls that are made once, and a run that shows as interrupted", async () => {
  const path = "/ok?killed";
  const made = (): number => server.requests.filter((request) => request.path === path).length;
  const child = startDying([lane("crm", path), lane("idle", "/ok")], "when killed");
  const exited = once(child, "exit") as Promise<[number | null, string | null]>;
  await vi.waitUntil(() => made() > 0, { timeout: 30_000 });
  child.kill("SIGKILL");
  expect((await exited)[1]).toBe("SIGKILL");
  const isRecorded = async (): Promise<boolean> =>
    (await newestRun()).calls.includes("crm succeeded");
  await vi.waitUntil(isRecorded, { timeout: 30_000 });
  const { name, later } = await newestRun();
  expect(name).toBe("canary");
  expect(later).toMatchObject({ state: "interrupted", planned: 2, succeeded: 1, pending: 1 });
  expect(made()).toBe(1);
});

test("an address that refuses is told with its status", async () => {
  const [result] = await call([lane("crm", "/status/404")], queueWatch());
  expect(result).toMatchObject({ state: "failed", status: 404 });
});

test("a lane that nobody works on is told as unseen, beside one that works, and was asked again", async () => {
  const waited: string[][] = [];
  const results = await call([lane("crm", "/ok"), lane("idle", "/ok")], queueWatch(), {
    patienceMs: 5_000,
    againMs: 1_000,
    onWaiting: (lanes) => void waited.push([...lanes]),
  });
  expect(results).toMatchObject([
    { lane: "crm", state: "succeeded" },
    { lane: "idle", state: "unseen", status: null },
  ]);
  expect(waited.at(-1)).toEqual(["idle"]);
  expect((await broker.depth(laneQueue("idle"))).visible).toBeGreaterThan(1);
});

test("what a canary that died left behind an hour ago is removed by the next", async () => {
  const died = queueWatch() as QueueWatch;
  await died.begin("canary-died", Date.now() - 3_700_000);
  expect(await leftovers()).toHaveLength(2);
  await call([lane("crm", "/ok")], queueWatch());
  expect(await leftovers()).toEqual([]);
});

test("a lane's own address comes before the environment's; a lane that there is not is named with those that there are", () => {
  const deployed = [
    { name: "crm", timeoutMs: 1 },
    { name: "default", timeoutMs: 2 },
  ];
  const url = "https://example.com/";
  expect(canaryLanes({ url, lanes: { crm: "https://api.example.com/health" } }, deployed)).toEqual([
    { name: "crm", url: "https://api.example.com/health", timeoutMs: 1 },
    { name: "default", url, timeoutMs: 2 },
  ]);
  expect(() => canaryLanes({ url, lanes: { crn: url } }, deployed)).toThrow(
    "canary.lanes.crn: there is no lane crn, but crm, default",
  );
});
