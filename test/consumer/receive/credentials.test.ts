import { onTestFinished, expect, test, vi } from "vitest";
import { AccessBook } from "../../../consumer/auth/access-book.ts";
import { workBatch } from "../../../consumer/entries/work-batch.ts";
import { openFolderAnswers } from "../../../shared/answers/folder-answers.ts";
import { laneQueue } from "../../../shared/broker/broker.ts";
import type { Broker } from "../../../shared/broker/broker.ts";
import { openFolderClaims } from "../../../shared/claims/folder-claims.ts";
import { createMemoryCoordination } from "../../../shared/coordination/memory-coordination.ts";
import type { AuthPolicy } from "../../../shared/model/auth.ts";
import type { Call } from "../../../shared/model/call.ts";
import { MESSAGE_VERSION, decodeMessage, encodeMessage } from "../../../shared/model/message.ts";
import type { CallsMessage } from "../../../shared/model/message.ts";
import type { Policy } from "../../../shared/model/policy.ts";
import { connect, startEmbedded, temporaryFolder } from "../../shared/broker/embedded.ts";
import { startMisbehavingServer } from "../../support/misbehaving-server.ts";
import type { MisbehavingServer } from "../../support/misbehaving-server.ts";
import { makePolicy } from "../../support/policy.ts";
import { json, startTokenEndpoint } from "../../support/token-endpoint.ts";
import type { TokenEndpoint } from "../../support/token-endpoint.ts";

/** Calls of a lane with credentials, through the real queue to real servers. */
const LANE = "default";
const QUEUE = laneQueue(LANE);

interface Part {
  readonly run: string;
  readonly calls: readonly Call[];
  readonly policy?: Partial<Policy>;
}

interface Bench {
  readonly broker: Broker;
  readonly server: MisbehavingServer;
  readonly tokens: TokenEndpoint;
  readonly auth: AuthPolicy;
  /** A message for each part, worked on as one batch, for so long, one call at a time. */
  readonly work: (parts: readonly Part[], timeMs: number) => ReturnType<typeof workBatch>;
}

async function setUp(): Promise<Bench> {
  vi.stubEnv("CLIENT_SECRET", "planted");
  const { endpointUrl } = await startEmbedded();
  const broker = connect(endpointUrl);
  await broker.ensure([LANE]);
  const server = await startMisbehavingServer();
  const tokens = await startTokenEndpoint(json({ access_token: "t1", expires_in: 3600 }));
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await server.close();
    await tokens.close();
  });
  return {
    broker,
    server,
    tokens,
    auth: {
      kind: "oauth2",
      tokenUrl: tokens.url,
      clientId: "me",
      clientSecret: "${env:CLIENT_SECRET}",
      credentials: "header",
    },
    work: async (parts, timeMs) => {
      const bodies = parts.map(({ run, calls, policy }) =>
        encodeMessage({
          v: MESSAGE_VERSION,
          kind: "calls",
          run,
          generation: 1,
          lane: LANE,
          chunk: "0",
          policy: makePolicy({ timeoutMs: 1_000, ...policy }),
          calls,
        }),
      );
      await broker.send(
        QUEUE,
        bodies.map((body) => ({ body })),
      );
      const deliveries = await broker.receive(QUEUE, { maxMessages: 10, waitSeconds: 2 });
      expect(deliveries).toHaveLength(parts.length);
      return workBatch(
        {
          broker,
          coordination: createMemoryCoordination(),
          claims: openFolderClaims(temporaryFolder()),
          answers: openFolderAnswers(temporaryFolder()),
          accesses: new AccessBook(),
          limit: { lane: LANE, concurrency: 1 },
          worker: "test",
          endsAt: Date.now() + timeMs,
        },
        deliveries,
      );
    },
  };
}

const callsTo = (url: string, count: number, prefix: string, more: object = {}): Call[] =>
  Array.from({ length: count }, (_, index) => ({
    id: `${prefix}${index}`,
    url: `${url}?id=${prefix}${index}`,
    ...more,
  }));

const authorization = (server: MisbehavingServer, id: string): (string | undefined)[] =>
  server.requests.filter((one) => one.id === id).map(({ headers }) => headers["authorization"]);

test("calls wait for a token without a slot, so that calls of others go on", async () => {
  const { server, tokens, auth, work } = await setUp();
  const held = Promise.withResolvers<void>();
  tokens.answer = (response, request, body) => {
    void held.promise.then(() => json({ access_token: "t1" })(response, request, body));
  };
  const url = `${server.url}/ok`;
  const worked = work(
    [
      { run: "waits", calls: callsTo(url, 20, "w"), policy: { auth } },
      { run: "goes on", calls: callsTo(url, 5, "g") },
    ],
    30_000,
  );
  await server.waitForRequests(5);
  expect(server.requests.every(({ id }) => id.startsWith("g"))).toBe(true);
  held.resolve();
  expect((await worked).tally).toMatchObject({ succeeded: 25, failed: 0, putBack: 0 });
  expect(tokens.requests).toHaveLength(1);
  expect(authorization(server, "w19")).toEqual(["Bearer t1"]);
});

test("a call that is refused once for its token is made with another, unsafe or not", async () => {
  const { server, tokens, auth, work } = await setUp();
  server.on("guarded", ({ response }) => {
    response.writeHead(response.req.headers.authorization === "Bearer t2" ? 200 : 401).end();
    tokens.answer = json({ access_token: "t2" });
  });
  const url = `${server.url}/guarded`;
  const calls = [...callsTo(url, 2, "g"), ...callsTo(url, 1, "p", { method: "POST" })];
  const policy = { auth, retry: { ...makePolicy().retry, attempts: 1 } };
  const { tally } = await work([{ run: "r", calls, policy }], 30_000);
  expect(tally).toMatchObject({ succeeded: 3, failed: 0 });
  expect(tokens.requests).toHaveLength(2);
  expect(authorization(server, "g0")).toEqual(["Bearer t1", "Bearer t2"]);
});

test("a call that is refused with every token is rejected after the second", async () => {
  const { server, auth, work } = await setUp();
  const calls = callsTo(`${server.url}/status/401`, 1, "r");
  const { tally } = await work([{ run: "r", calls, policy: { auth } }], 30_000);
  expect(tally).toMatchObject({ succeeded: 0, failed: 1 });
  expect(authorization(server, "r0")).toHaveLength(2);
});

test("calls without a token when the time is up go back, and have used up nothing", async () => {
  const { server, tokens, broker, auth, work } = await setUp();
  tokens.answer = () => {};
  const calls = callsTo(`${server.url}/ok`, 3, "b", { method: "POST" });
  const { tally, held } = await work([{ run: "r", calls, policy: { auth } }], 2_500);
  expect({ tally, held }).toMatchObject({ tally: { putBack: 3, failed: 0 }, held: [] });
  expect(server.requests).toHaveLength(0);
  const again = await broker.receive(QUEUE, { maxMessages: 10, waitSeconds: 2 });
  const back = again.flatMap(({ body }) => (decodeMessage(body) as CallsMessage).calls);
  expect(back.map(({ attempts }) => attempts)).toEqual([undefined, undefined, undefined]);
});

test("calls of a client that the token endpoint refuses fail, and no request is made", async () => {
  const { server, tokens, auth, work } = await setUp();
  tokens.answer = json({ error: "invalid_client" }, 401);
  const calls = callsTo(`${server.url}/ok`, 3, "f");
  const { tally } = await work([{ run: "r", calls, policy: { auth } }], 30_000);
  expect(tally).toMatchObject({ succeeded: 0, failed: 3, putBack: 0 });
  expect(server.requests).toHaveLength(0);
});
