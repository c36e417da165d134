import { expect, test } from "vitest";
import { readMappingOptions } from "../../../infra/event-source/mapping-options.ts";

test("without words it is a mapping as AWS makes it, with the least concurrency there is", () => {
  expect(readMappingOptions({})).toEqual({
    batchSize: 10,
    windowMs: 0,
    maxConcurrency: 2,
    reservedConcurrency: undefined,
    timeoutMs: 30_000,
    memoryMb: 512,
  });
});

test.each([
  [{ batchSize: "11" }, "--batch-size 11: a whole number from 1 to 10"],
  [{ maxConcurrency: "1" }, "--max-concurrency 1: a whole number from 2 to 100"],
  [{ reservedConcurrency: "0" }, "--reserved-concurrency 0: a whole number from 1"],
  [{ timeout: "16m" }, "--timeout 16m: from 1s to 15m"],
  [{ window: "6m" }, "--window 6m: from 0s to 5m"],
  [{ memory: "64" }, "--memory 64: a whole number from 128 to 10240"],
])("%o is refused, with what Lambda allows", (words, message) => {
  expect(() => readMappingOptions(words)).toThrow(message);
});
