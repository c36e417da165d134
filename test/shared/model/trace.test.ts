import { expect, test } from "vitest";
import { readTraceparent, traceIdOf, traceparentOf } from "../../../shared/model/trace.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const GIVEN = `00-${TRACE}-00f067aa0ba902b7-01`;

test.each([
  ["as it is", GIVEN, GIVEN],
  ["of a later version, which may go on", `cc-${TRACE}-00f067aa0ba902b7-01-more`, GIVEN],
  ["of version ff, which is none", `ff-${TRACE}-00f067aa0ba902b7-01`, undefined],
  ["of version 00 that goes on", `${GIVEN}-more`, undefined],
  ["whose trace is zero", `00-${"0".repeat(32)}-00f067aa0ba902b7-01`, undefined],
  ["whose parent is zero", `00-${TRACE}-${"0".repeat(16)}-01`, undefined],
  ["in capitals", GIVEN.toUpperCase(), undefined],
  ["that is something else", "on", undefined],
])("a traceparent %s", (_name, text, read) => {
  expect(readTraceparent(text)).toBe(read);
});

test("each call is a span of its own in the run's trace, and the same in each attempt", () => {
  const first = traceparentOf(true, "r", "a");
  expect(readTraceparent(first)).toBe(first);
  expect(traceparentOf(true, "r", "a")).toBe(first);
  const second = traceparentOf(true, "r", "b");
  expect(second.slice(0, 36)).toBe(first.slice(0, 36));
  expect(second).not.toBe(first);
  expect(traceIdOf(true, "other")).not.toBe(traceIdOf(true, "r"));
});

test("a trace that was given goes on, with its flags", () => {
  const given = `00-${TRACE}-00f067aa0ba902b7-00`;
  expect(traceparentOf(given, "r", "a")).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
  expect(traceparentOf(given, "r", "a")).not.toContain("00f067aa0ba902b7");
});
