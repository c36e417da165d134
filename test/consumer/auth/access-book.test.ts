import { expect, onTestFinished, test, vi } from "vitest";
import { AccessBook } from "../../../consumer/auth/access-book.ts";
import { buildRequest, sharedHeaders } from "../../../consumer/execute/request.ts";
import type { Call } from "../../../shared/model/call.ts";
import { MESSAGE_VERSION, encodeMessage } from "../../../shared/model/message.ts";
import type { CallsMessage } from "../../../shared/model/message.ts";
import type { Policy } from "../../../shared/model/policy.ts";
import { makePolicy } from "../../support/policy.ts";

const CALL: Call = { id: "a", url: "https://api.example.com/a" };

function open(call: Partial<Call>, policy: Partial<Policy> = {}) {
  const message: CallsMessage = {
    v: MESSAGE_VERSION,
    kind: "calls",
    run: "r",
    generation: 1,
    lane: "default",
    chunk: "0",
    policy: makePolicy(policy),
    calls: [{ ...CALL, ...call }],
  };
  const access = new AccessBook().accessOf(message, encodeMessage(message));
  const grant = access?.lack(message.policy, Date.now()) === undefined ? access?.grant : undefined;
  const build = () =>
    buildRequest(message.calls[0]!, "r", message.policy, sharedHeaders(message.policy), grant);
  return { access, grant, build };
}

test("calls that need nothing have no access at all", () => {
  expect(open({ body: "plain" }).access).toBeUndefined();
});

test("what stands for a plain ${ is that, with no secret about", () => {
  expect(open({ method: "PUT", body: "a $${b} c" }).build().body).toBe("a ${b} c");
});

test("a user's password in a URL may hold what would end it", () => {
  vi.stubEnv("PLANTED", "a/b@c:d");
  onTestFinished(() => void vi.unstubAllEnvs());
  const request = open({ url: "https://me:${env:PLANTED}@api.example.com/x?y=1" }).build();
  expect(request).toMatchObject({ origin: "https://api.example.com", path: "/x?y=1" });
  const pair = Buffer.from("me:a/b@c:d").toString("base64");
  expect(request.headers).toContain(`Basic ${pair}`);
});

test("a call that is built of a missing secret is told so before it starts", () => {
  const { access } = open({ body: "${env:NOT_THERE_AT_ALL}" });
  expect(access?.lack(makePolicy(), Date.now())).toMatchObject({
    kind: "never",
    reason: "invalid",
    error: expect.stringContaining("NOT_THERE_AT_ALL"),
  });
});
