import { expect, test } from "vitest";
import type { Binding } from "../../../shared/command.ts";
import { moreTelling, toLaneProgress } from "../../../shared/terminal/lane-progress.ts";

const NOW = 1_800_000_000_000;
const lane = { lane: "crm", inFlight: 3, waiting: 5, limit: 8 };
const closed = { origin: "https://api.example.com", until: NOW + 12_000, cause: "429" };

test.each<[Binding, object]>([
  [{ by: "nothing" }, {}],
  [{ by: "concurrency" }, {}],
  [{ by: "total" }, { bound: "total of all lanes" }],
  [{ by: "rate", rate: { count: 20, perMs: 1_000 } }, { bound: "rate 20/s" }],
  [{ by: "rate", rate: { count: 30, perMs: 3_600_000 } }, { bound: "rate 0.5/m" }],
  [
    { by: "window", origin: "https://api.example.com", window: 5 },
    { bound: "window 5 of api.example.com" },
  ],
  [{ by: "closed", ...closed }, { note: "closed 12 s: 429" }],
  [{ by: "closed", ...closed, until: NOW }, { note: "closed, probing: 429" }],
  [
    { by: "breaker", ...closed, cause: "20 of 20 attempts failed: ECONNREFUSED" },
    { note: "closed 12 s: 20 of 20 attempts failed: ECONNREFUSED" },
  ],
  [{ by: "coordination" }, { note: "coordination out of reach" }],
])("%j is told in few words", (binding, words) => {
  expect(toLaneProgress({ ...lane, binding }, NOW)).toEqual({ ...lane, ...words });
});

test("of several workers the one that says most of what is wrong", () => {
  const rate: Binding = { by: "rate", rate: { count: 1, perMs: 1_000 } };
  expect(moreTelling(rate, { by: "nothing" })).toBe(rate);
  expect(moreTelling(rate, { by: "closed", ...closed })).toMatchObject({ by: "closed" });
  expect(moreTelling(undefined, rate)).toBe(rate);
});
