import fc from "fast-check";
import { expect, test } from "vitest";
import { chunkCalls } from "../../../producer/publish/chunk-size.ts";
import { Packer } from "../../../producer/publish/pack.ts";
import type { PackedChunk } from "../../../producer/publish/pack.ts";
import { CHUNK_MAX_BYTES, CHUNK_MAX_CALLS } from "../../../shared/limits.ts";
import type { Call } from "../../../shared/model/call.ts";
import { decodeMessage, toWire } from "../../../shared/model/message.ts";
import { makePolicy } from "../../support/policy.ts";

const frame = { run: "r", generation: 1, lane: "default", policy: makePolicy() };

function packAll(
  calls: readonly Call[],
  maxCalls: number,
): { chunks: PackedChunk[]; tooLarge: string[] } {
  let name = 0;
  const packer = new Packer(frame, () => String(name++));
  const chunks: PackedChunk[] = [];
  const tooLarge: string[] = [];
  for (const call of calls) {
    const full = packer.add(call, maxCalls);
    if (full === "too large") tooLarge.push(call.id);
    else if (full !== undefined) chunks.push(full);
  }
  const rest = packer.take();
  return { chunks: rest === undefined ? chunks : [...chunks, rest], tooLarge };
}

const call = fc.record(
  {
    id: fc.uuid(),
    url: fc.webUrl(),
    // Up to beyond what a message holds, and in characters of one to four bytes that JSON may escape.
    body: fc
      .tuple(
        fc.constantFrom("x", "é", "風", "😀", '"', "\u0001", "\ud800", "\uffff", "\ufffe"),
        fc.integer({ min: 0, max: 90_000 }),
      )
      .map(([unit, count]) => unit.repeat(count)),
  },
  { requiredKeys: ["id", "url"] },
);

test("every call stands in exactly one chunk, in order, unchanged; no chunk is beyond its bytes or its count", () => {
  fc.assert(
    fc.property(
      fc.array(call, { maxLength: 30 }),
      fc.integer({ min: 1, max: 40 }),
      (calls, maxCalls) => {
        const { chunks, tooLarge } = packAll(calls, maxCalls);
        const packed: Call[] = [];
        for (const chunk of chunks) {
          expect(chunk.bytes).toBe(Buffer.byteLength(chunk.body));
          expect(chunk.bytes).toBeLessThanOrEqual(CHUNK_MAX_BYTES);
          expect(chunk.body).not.toMatch(/[\n\uFFFE\uFFFF]/);
          const message = decodeMessage(chunk.body);
          if (message.kind !== "calls") throw new Error("not a chunk");
          expect(message.calls.length).toBe(chunk.calls);
          expect(message.calls.length).toBeLessThanOrEqual(maxCalls);
          packed.push(...message.calls);
        }
        const fitting = calls.filter(({ id }) => !tooLarge.includes(id));
        expect(packed).toEqual(JSON.parse(JSON.stringify(fitting)));
        for (const id of tooLarge) {
          const size = Buffer.byteLength(
            toWire(JSON.stringify(calls.find((each) => each.id === id))),
          );
          expect(size).toBeGreaterThan(CHUNK_MAX_BYTES * 0.9);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test("no two chunks have a name in common", () => {
  const calls = Array.from({ length: 100 }, (_, i) => ({ id: String(i), url: "http://a/" }));
  const names = packAll(calls, 7).chunks.map(
    ({ body }) => (JSON.parse(body) as { chunk: string }).chunk,
  );
  expect(new Set(names).size).toBe(names.length);
});

test("chunks are small where a run is short, and grow to a few hundred where there is much to do", () => {
  const lane = { name: "default", match: [], concurrency: 200 };
  expect(chunkCalls(0, lane)).toBeLessThanOrEqual(5);
  expect(chunkCalls(400, lane)).toBeLessThanOrEqual(25);
  expect(chunkCalls(100_000, lane)).toBe(CHUNK_MAX_CALLS);
});

test("a slow or narrow lane gets chunks that it works off in a second or a few", () => {
  const rate = { count: 2, perMs: 1000 };
  expect(chunkCalls(100_000, { name: "slow", match: [], concurrency: 64, rate })).toBe(2);
  expect(
    chunkCalls(100_000, {
      name: "rare",
      match: [],
      concurrency: 64,
      rate: { count: 1, perMs: 3_600_000 },
    }),
  ).toBe(1);
  expect(chunkCalls(100_000, { name: "narrow", match: [], concurrency: 1 })).toBe(4);
});
