import { join } from "node:path";
import { expect, test } from "vitest";
import { Publisher } from "../../../producer/publish/publisher.ts";
import type { KnownCalls, PublisherOptions } from "../../../producer/publish/publisher.ts";
import type { Broker, Outgoing } from "../../../shared/broker/broker.ts";
import type { ClaimStore } from "../../../shared/claims/claim-store.ts";
import { wholeCall } from "../../../shared/claims/claimed-call.ts";
import { openFolderClaims } from "../../../shared/claims/folder-claims.ts";
import { CHUNK_MAX_BYTES } from "../../../shared/limits.ts";
import type { Call } from "../../../shared/model/call.ts";
import { MAX_CLAIM_BYTES } from "../../../shared/model/claim.ts";
import { decodeLetter } from "../../../shared/model/letter.ts";
import { decodeMessage } from "../../../shared/model/message.ts";
import type { Message } from "../../../shared/model/message.ts";
import { temporaryFolder } from "../../shared/broker/embedded.ts";
import { makePolicy } from "../../support/policy.ts";

const NEW: KnownCalls = { settled: new Set(), unseen: new Set() };

interface Bench {
  readonly claims: ClaimStore;
  readonly messages: Message[];
  readonly letters: Outgoing[];
  publish(
    calls: readonly Call[],
    more?: Partial<PublisherOptions>,
    known?: KnownCalls,
  ): Promise<void>;
}

function setUp(): Bench {
  const folder = temporaryFolder();
  const claims = openFolderClaims(join(folder, "claims"));
  const messages: Message[] = [];
  const letters: Outgoing[] = [];
  const broker = {
    publish: async (_topic: string, entries: readonly Outgoing[]) => {
      for (const { body } of entries) {
        expect(Buffer.byteLength(body)).toBeLessThanOrEqual(CHUNK_MAX_BYTES);
        messages.push(decodeMessage(body));
      }
    },
    send: async (_queue: string, entries: readonly Outgoing[]) => void letters.push(...entries),
  } as unknown as Broker;
  return {
    claims,
    messages,
    letters,
    publish: async (calls, more = {}, known = NEW) => {
      const publisher = new Publisher({
        broker,
        claims,
        run: "r",
        generation: 1,
        policy: makePolicy(),
        lanes: [{ name: "default", match: [], concurrency: 4 }],
        spillDir: folder,
        signal: new AbortController().signal,
        ...more,
      });
      await publisher.add(
        calls.map((call) => ({ call, lane: "default" })),
        known,
      );
      await publisher.finish();
      publisher.close();
    },
  };
}

function callsOf(messages: readonly Message[]): Call[] {
  return messages.flatMap((message) => (message.kind === "calls" ? message.calls : []));
}

const large = (id: string, bytes = 400_000): Call => ({
  id,
  method: "POST",
  url: "http://127.0.0.1/",
  body: id.padEnd(bytes, "x"),
});

test("a large call stands among the others as a claim, and comes back whole; a second publishing changes nothing", async () => {
  const bench = setUp();
  const calls = [
    { id: "a", url: "http://127.0.0.1/" },
    large("b"),
    { id: "c", url: "http://127.0.0.1/" },
  ];
  await bench.publish(calls);
  const published = callsOf(bench.messages);
  expect(published.map(({ id, claim }) => [id, claim !== undefined])).toEqual([
    ["a", false],
    ["b", true],
    ["c", false],
  ]);
  for (const [index, call] of published.entries()) {
    expect(await wholeCall(bench.claims, call)).toEqual(calls[index]);
  }
  bench.messages.length = 0;
  await bench.publish(calls, { generation: 2 });
  expect(callsOf(bench.messages)).toEqual(published);
});

test("calls of another run are given claims of this one; one whose claim is lost is invalid", async () => {
  const bench = setUp();
  await bench.publish([large("a"), large("b")]);
  const [a, b] = callsOf(bench.messages) as [Call, Call];
  bench.messages.length = 0;
  const gone = { ...b.claim!, sha256: "0".repeat(64) };
  await bench.publish([a, { ...b, claim: gone }], { run: "replay" });
  expect(callsOf(bench.messages)).toEqual([{ ...a, claim: { ...a.claim, run: "replay" } }]);
  const invalid = bench.messages.find(({ kind }) => kind === "invalid");
  expect(invalid).toMatchObject({
    calls: [{ id: "b", method: "POST", error: expect.stringContaining("is gone") as string }],
  });
});

test("a call beyond the top size is invalid, with its size and the limit", async () => {
  const bench = setUp();
  await bench.publish([large("a", MAX_CLAIM_BYTES)]);
  const invalid = bench.messages.find(({ kind }) => kind === "invalid");
  if (invalid?.kind !== "invalid") throw new Error("nothing is invalid");
  expect(invalid.calls[0]?.error).toMatch(
    /has 67,108,\d+ bytes .*; at most 67,108,864 can be made/,
  );
});

test("headers that leave no room for any call are told as such", async () => {
  const bench = setUp();
  const policy = makePolicy({ headers: { "x-a": "x".repeat(CHUNK_MAX_BYTES) } });
  const refused: string[] = [];
  await bench.publish([large("a")], {
    policy,
    broker: {
      publish: async (_topic: string, entries: readonly Outgoing[]) =>
        void refused.push(...entries.map(({ body }) => body)),
    } as unknown as Broker,
  });
  expect(refused[0]).toMatch(/the plan's own headers leave no room in a message/);
});

test("a large unsafe call whose result nobody saw is told of on resume, its letter with a claim", async () => {
  const bench = setUp();
  await bench.publish(
    [large("a")],
    { generation: 2 },
    { settled: new Set(), unseen: new Set(["a"]) },
  );
  const [letter] = bench.letters;
  const { call, reason } = decodeLetter({ attributes: {}, sentAt: 0, ...letter! });
  expect(reason).toBe("unknown");
  expect(await wholeCall(bench.claims, call)).toEqual(large("a"));
});
