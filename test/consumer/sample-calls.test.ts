import { afterAll, beforeAll, expect, test } from "vitest";
import { sampleCalls } from "../../consumer/sample-calls.ts";
import { openFolderClaims } from "../../shared/claims/folder-claims.ts";
import type { SampleAnswer } from "../../shared/command.ts";
import type { Call } from "../../shared/model/call.ts";
import { MESSAGE_VERSION, encodeMessage } from "../../shared/model/message.ts";
import { makeFolder } from "../support/command-line.ts";
import { startMisbehavingServer } from "../support/misbehaving-server.ts";
import type { MisbehavingServer } from "../support/misbehaving-server.ts";
import { makePolicy } from "../support/policy.ts";

let server: MisbehavingServer;
beforeAll(async () => {
  server = await startMisbehavingServer();
});
afterAll(() => server.close());

async function sample(
  calls: readonly (Partial<Call> & { readonly path: string })[],
): Promise<SampleAnswer[]> {
  const answers: SampleAnswer[] = [];
  const samples = calls.map(({ path, ...rest }, index) => {
    const call = { id: `c${index}`, url: `${server.url}${path}`, ...rest };
    const body = encodeMessage({
      v: MESSAGE_VERSION,
      kind: "calls",
      run: "r",
      generation: 1,
      lane: "l",
      chunk: "s",
      policy: makePolicy({
        retry: { ...makePolicy().retry, attempts: 1, rules: [] },
        breaker: null,
      }),
      calls: [call],
    });
    return { id: call.id, lane: "l", body, timeoutMs: call.timeoutMs ?? 5_000 };
  });
  const claims = openFolderClaims(makeFolder());
  await sampleCalls(samples, claims, (answer) => answers.push(answer));
  return answers;
}

test("a call is made once, and its answer told with how long it took and how its body begins", async () => {
  const before = server.requests.length;
  const [answer] = await sample([{ path: "/big/3000?delay=30" }]);
  expect(answer).toMatchObject({
    id: "c0",
    lane: "l",
    state: "succeeded",
    status: 200,
    bytes: 3_000,
  });
  expect(answer?.latencyMs).toBeGreaterThanOrEqual(30);
  expect(answer?.text).toHaveLength(512);
  expect(server.requests.length - before).toBe(1);
});

test("what fails is told as a run would judge it, and is not tried again", async () => {
  const before = server.requests.length;
  const answers = await sample([
    { path: "/status/503" },
    { path: "/status/404" },
    { path: "/hang", timeoutMs: 100 },
    { path: "/ok" },
  ]);
  expect(answers).toMatchObject([
    { state: "failed", reason: "exhausted", status: 503 },
    { state: "failed", reason: "rejected", status: 404 },
    { state: "failed", reason: "exhausted", error: expect.stringContaining("100 ms") },
    { state: "succeeded", status: 200 },
  ]);
  expect(answers[2]).not.toHaveProperty("text");
  expect(server.requests.length - before).toBe(4);
});

test("after redirects the last answer's body is shown, and no other", async () => {
  const [answer] = await sample([{ path: "/redirect/2?id=led" }]);
  expect(answer).toMatchObject({ status: 200, bytes: answer?.text?.length });
  expect(JSON.parse(answer?.text ?? "")).toMatchObject({ status: 200 });
});
