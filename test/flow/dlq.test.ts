import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LetterGroup } from "../../producer/replay/group-letters.ts";
import { deadQueue, failedQueue } from "../../shared/broker/broker.ts";
import { encodeLetter } from "../../shared/model/letter.ts";
import { MESSAGE_VERSION, encodeMessage } from "../../shared/model/message.ts";
import type { CallsMessage } from "../../shared/model/message.ts";
import { openSession } from "../../shared/session.ts";
import type { Session } from "../../shared/session.ts";
import { parseJsonLines } from "../support/figures-schema.ts";
import { FlowStage } from "../support/flow-stage.ts";
import { makePolicy } from "../support/policy.ts";

const stage = new FlowStage("dlq");
const LETTERS = 1_000;
const state = stage.newState();
/** Holds the broker, as a run or `senpu broker` beside it does. */
let session: Session;

beforeAll(async () => {
  session = await openSession({ state });
  const { broker } = session;
  await broker.ensure(["crm", "mail"]);
  const message: CallsMessage = {
    v: MESSAGE_VERSION,
    kind: "calls",
    run: "r1",
    generation: 1,
    lane: "crm",
    chunk: "0",
    policy: makePolicy(),
    calls: [],
  };
  const settledAt = Date.now() - 3_600_000;
  const letters = Array.from({ length: LETTERS }, (_, index) => {
    const status = index % 4 === 0 ? 404 : 503;
    const id = `c${index}`;
    return encodeLetter(
      message,
      { id, url: `https://api.example.com/${id}` },
      { id, state: "failed", reason: "exhausted", status, attempts: 5, settledAt, error: "no" },
    );
  });
  await broker.send(failedQueue("crm"), letters);
  const calls = ["a", "b"].map((id) => ({ id, url: "https://mail.example.com/" }));
  await broker.send(deadQueue("mail"), [
    { body: encodeMessage({ ...message, lane: "mail", run: "r2", calls }) },
    { body: "poison", attributes: { reason: "not JSON", lane: "mail" } },
  ]);
});
afterAll(() => session.close());

/** Whether visible or about to be: the embedded broker counts a message as hidden until somebody asks for it. */
async function lettersIn(queue: string): Promise<number> {
  const { visible, notVisible } = await session.broker.depth(queue);
  return visible + notVisible;
}

async function groupsOf(...words: string[]): Promise<{ groups: LetterGroup[]; stderr: string }> {
  const { exitCode, stdout, stderr } = await stage.run([
    "dlq",
    ...words,
    "--json",
    "--state",
    state,
  ]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr });
  return { groups: parseJsonLines(stdout) as LetterGroup[], stderr };
}

describe("senpu dlq", () => {
  test("--all counts every letter by cause, and removes none", async () => {
    const { groups } = await groupsOf("crm", "--all");
    expect(groups.map(({ status, count }) => [status, count])).toEqual([
      [503, 750],
      [404, 250],
    ]);
    expect(groups[0]).toMatchObject({
      queue: "failed",
      lane: "crm",
      run: "r1",
      reason: "exhausted",
      host: "api.example.com",
      example: { method: "GET", error: "no" },
    });
    expect(await lettersIn(failedQueue("crm"))).toBe(LETTERS);
  });

  test("without it a sample is read, and said to be one", async () => {
    const { groups, stderr } = await groupsOf("--lane", "crm");
    expect(groups.reduce((sum, { count }) => sum + count, 0)).toBe(200);
    expect(stderr).toContain(
      "lane crm: 200 of about 1,000 letters were read; --all reads every one.",
    );
    expect(await lettersIn(failedQueue("crm"))).toBe(LETTERS);
  });

  test("two at a time see what the other leaves, and say so", async () => {
    const held = await session.broker.receive(failedQueue("crm"), {
      maxMessages: 10,
      waitSeconds: 1,
      visibilitySeconds: 30,
    });
    const { groups, stderr } = await groupsOf("crm", "--all");
    expect(groups.reduce((sum, { count }) => sum + count, 0)).toBe(LETTERS - held.length);
    expect(stderr).toContain(`lane crm: ${held.length} more are being read by somebody else.`);
    await session.broker.release(
      failedQueue("crm"),
      held.map(({ receipt }) => receipt),
    );
  });

  test("filters hold for counts", async () => {
    const { groups } = await groupsOf("crm", "--all", "--status", "4xx");
    expect(groups).toMatchObject([{ status: 404, count: 250 }]);
  });

  test("what SQS gave up on is there too, and what nobody can read", async () => {
    const { groups } = await groupsOf("mail");
    expect(groups).toMatchObject([
      { queue: "dead", run: "r2", reason: "abandoned", count: 2 },
      { queue: "dead", run: null, reason: "unreadable", count: 1, example: { error: "not JSON" } },
    ]);
  });

  test("for a person it is a table a lane", async () => {
    const { stdout, exitCode } = await stage.run(["dlq", "--all", "--state", state]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^crm\n {2}calls {2}cause .*\n {4}750 {2}exhausted 503 {2}r1 .*1 h/m);
    expect(stdout).toMatch(/^mail\n.*\n {6}2 {2}abandoned \(dead\)/m);
  });

  test.each([
    [["nobody"], /lane nobody: there is no such lane; there are crm, mail/],
    [["crm", "--lane", "mail"], /lane crm and --lane mail: give one of them/],
    [["--state", "succeeded"], /--state succeeded: what lies here has failed/],
    [["--reason", "bored"], /--reason bored: give one of/],
  ])("senpu dlq %j is refused", async (words, complaint) => {
    const { exitCode, stderr } = await stage.run(["dlq", ...words, "--state", state]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringMatching(complaint) });
  });
});

test("where nothing ran, senpu dlq says so and makes no folder", async () => {
  const { exitCode, stderr } = await stage.run(["dlq", "--state", stage.newState()]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain("there is no run in");
});
