import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { beforeAll, describe, expect, test } from "vitest";
import { startRecorder } from "../../consumer/record/recorder.ts";
import { readPlan } from "../../producer/plan/read.ts";
import { runPlan } from "../../producer/run/run-plan.ts";
import type { SettledEvent } from "../../shared/model/settled-event.ts";
import { openSession } from "../../shared/session.ts";
import type { CrashChildOptions } from "../support/crash-child.ts";
import type { CrashPoint } from "../support/crash-point.ts";
import { FlowStage, callsTo, readRun } from "../support/flow-stage.ts";
import type { MisbehavingServer } from "../support/misbehaving-server.ts";
import { expectNothingLost, expectUnsafeOnce } from "../support/run-invariants.ts";

/** Rows of test/crash-table.md: a run dies where it keeps or reads large calls, or tells of its end. */
const stage = new FlowStage("crash-ends");
const RUN = "crashed";
const LARGE = "x".repeat(400_000);
let server: MisbehavingServer;

beforeAll(async () => {
  server = await stage.startServer();
});

async function dieAt(state: string, plan: string, crash: CrashPoint): Promise<void> {
  const options: CrashChildOptions = { role: "run", state, plan, run: RUN, crash };
  const child = fork(
    new URL("../support/crash-child.ts", import.meta.url),
    [JSON.stringify(options)],
    { execArgv: ["--disable-warning=ExperimentalWarning"] },
  );
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  expect({ code, signal }).toEqual({ code: null, signal: "SIGKILL" });
}

const CLAIM_POINTS: Record<string, CrashPoint> = {
  "P10 before a large call is kept": { port: "claims", method: "put", nth: 2, when: "before" },
  "P10 after a large call is kept": { port: "claims", method: "put", nth: 2, when: "after" },
  "P10 after large calls are published": {
    port: "broker",
    method: "publish",
    match: "sha256",
    when: "after",
  },
  "W14 before a large call is read": { port: "claims", method: "get", when: "before" },
  "W14 after a large call is read": { port: "claims", method: "get", nth: 2, when: "after" },
};

describe("a run with large calls dies, is resumed, and makes each in full", () => {
  test.each(Object.keys(CLAIM_POINTS))(
    "%s",
    async (name) => {
      const seen = server.requests.length;
      const large = [0, 1, 2].map((n) => ({
        id: `large-${n}`,
        method: n === 2 ? "POST" : "PUT",
        url: `${server.url}/ok?id=large-${n}`,
        json: { n, text: LARGE },
      }));
      const calls = [...callsTo(`${server.url}/ok`, "small", 10), ...large];
      const path = stage.writePlan(name.slice(0, 3), calls, {
        lanes: { default: { concurrency: 4 } },
      });
      const state = stage.newState();
      await dieAt(state, path, CLAIM_POINTS[name] as CrashPoint);
      const session = await openSession({ state });
      try {
        // Nobody waits here for the heartbeat to die; the run is known to be dead.
        await session.ledger.setState(RUN, "interrupted", "test", Date.now());
        const plan = await readPlan({ path, spoolDir: session.folder.spool, runId: RUN });
        const sides = { loadConsumer: () => import("../../consumer/index.ts") };
        const { signal } = new AbortController();
        await runPlan(plan, sides, { session, state, run: RUN, by: "test", signal });
      } finally {
        await session.close();
      }
      const evidence = {
        ...(await readRun(state, RUN)),
        requests: server.requests.slice(seen),
        ids: calls.map(({ id }) => id),
      };
      expectNothingLost(evidence);
      expectUnsafeOnce(evidence);
      for (const { id, body } of evidence.requests) {
        if (id.startsWith("large")) expect(body.length).toBeGreaterThan(LARGE.length);
      }
      const kept = readdirSync(join(state, "claims", RUN)).filter((file) =>
        /^[0-9a-f]{64}$/.test(file),
      );
      expect(kept.length).toBe(3);
    },
    60_000,
  );
});

const END_POINTS: Record<string, CrashPoint> = {
  "E1 before the event is published": {
    port: "broker",
    method: "publish",
    match: '"attributes":\\{"kind":"settled"',
    when: "before",
  },
  "E1 after the event is published": {
    port: "broker",
    method: "publish",
    match: '"attributes":\\{"kind":"settled"',
    when: "after",
  },
  "E2 after the webhook is called": {
    port: "ledger",
    method: "confirmOutbox",
    match: "webhook",
    when: "before",
  },
  "E2 after the webhook is done with": {
    port: "ledger",
    method: "confirmOutbox",
    match: "webhook",
    when: "after",
  },
  "E3 after the command has run": {
    port: "ledger",
    method: "confirmOutbox",
    match: "command",
    when: "before",
  },
};

/** Appends what it is given to a file. */
const PROGRAM = `
  const fs = require("node:fs");
  fs.appendFileSync(process.argv[1], fs.readFileSync(0));
`;

describe("a run dies while it tells of its end, and the next recorder tells it, with the same id", () => {
  test.each(Object.keys(END_POINTS))(
    "%s",
    async (name) => {
      const seen = server.requests.length;
      const told = join(mkdtempSync(join(stage.folder, "told-")), "file");
      const path = stage.writePlan(name.slice(0, 2), callsTo(`${server.url}/ok`, "call", 3), {
        onSettled: {
          webhook: `${server.url}/ok?id=hook`,
          command: [process.execPath, "-e", PROGRAM, "--", told],
        },
      });
      const state = stage.newState();
      await listen(state);
      await dieAt(state, path, END_POINTS[name] as CrashPoint);
      const session = await openSession({ state });
      try {
        expect((await session.ledger.findRun(RUN))?.state).toBe("settled");
        const recorder = await startRecorder({ ...session, state });
        while ((await session.ledger.outbox()).length > 0) await sleep(50);
        await recorder.stop();
        const events = await heard(session.endpointUrl!);
        expect(new Set(events.map(({ id }) => id))).toEqual(new Set([`${RUN}/settled`]));
        expect(events[0]).toMatchObject({ planned: 3, succeeded: 3 });
      } finally {
        await session.close();
      }
      const hooks = server.requests.slice(seen).filter(({ id }) => id === "hook");
      expect(new Set(hooks.map(({ idempotencyKey }) => idempotencyKey))).toEqual(
        new Set([`${RUN}/settled`]),
      );
      expect(existsSync(told)).toBe(true);
      const lines = readFileSync(told, "utf8").trim().split("\n");
      for (const line of lines) {
        expect(JSON.parse(line)).toMatchObject({
          id: `${RUN}/settled`,
        } satisfies Partial<SettledEvent>);
      }
      // At least once each, and once more where the death was in between.
      const counts = [hooks.length, lines.length];
      for (const count of counts) expect([1, 2]).toContain(count);
      if (name.startsWith("E2 after the webhook is called")) expect(hooks.length).toBe(2);
      if (name.startsWith("E2 after the webhook is done")) expect(hooks.length).toBe(1);
      if (name.startsWith("E3")) expect(lines.length).toBe(2);
    },
    60_000,
  );
});

const clientOptions = (endpoint: string) => ({
  endpoint,
  region: "us-east-1",
  credentials: { accessKeyId: "a", secretAccessKey: "b" },
});

/** A queue of somebody else hears of ends, from now on. */
async function listen(state: string): Promise<void> {
  const session = await openSession({ state });
  try {
    await session.broker.ensure([]);
    const options = clientOptions(session.endpointUrl!);
    await new SQSClient(options).send(new CreateQueueCommand({ QueueName: "alert" }));
    await new SNSClient(options).send(
      new SubscribeCommand({
        TopicArn: "arn:aws:sns:us-east-1:000000000000:senpu-outcomes",
        Protocol: "sqs",
        Endpoint: "arn:aws:sqs:us-east-1:000000000000:alert",
        Attributes: {
          RawMessageDelivery: "true",
          FilterPolicy: JSON.stringify({ kind: ["settled"] }),
        },
      }),
    );
  } finally {
    await session.close();
  }
}

async function heard(endpointUrl: string): Promise<SettledEvent[]> {
  const sqs = new SQSClient({ ...clientOptions(endpointUrl), useQueueUrlAsEndpoint: false });
  const QueueUrl = `${endpointUrl}/000000000000/alert`;
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 2 }),
  );
  return Messages.map(({ Body = "" }) => JSON.parse(Body) as SettledEvent);
}

test("each of these points is a row of the crash table", () => {
  const table = readFileSync(new URL("../crash-table.md", import.meta.url), "utf8");
  const rows = new Set([...table.matchAll(/^\| ([A-Z]\d+) \|/gm)].map((match) => match[1]));
  for (const name of Object.keys({ ...CLAIM_POINTS, ...END_POINTS })) {
    expect(rows).toContain(name.split(" ")[0]);
  }
});
