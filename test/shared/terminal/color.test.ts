import { WriteStream } from "node:tty";
import { expect, test, vi } from "vitest";
import { wantsColor } from "../../../shared/terminal/color.ts";

/** A terminal as Node sees one, without opening it. */
const terminal = {
  isTTY: true,
  getColorDepth: (env?: object) => WriteStream.prototype.getColorDepth.call({} as WriteStream, env),
  hasColors(): boolean {
    return WriteStream.prototype.hasColors.call(this as unknown as WriteStream, 16);
  },
};

test("a terminal gets colour, a pipe does not", () => {
  vi.stubEnv("NO_COLOR", undefined)
    .stubEnv("FORCE_COLOR", undefined)
    // Node shows a build server no colour.
    .stubEnv("CI", undefined)
    .stubEnv("TERM", "xterm-256color");
  expect(wantsColor(terminal, undefined)).toBe(true);
  expect(wantsColor({}, undefined)).toBe(false);
  vi.unstubAllEnvs();
});

test("--no-color, NO_COLOR and a dumb terminal are minded", () => {
  vi.stubEnv("FORCE_COLOR", undefined).stubEnv("TERM", "xterm-256color");
  expect(wantsColor(terminal, false)).toBe(false);
  vi.stubEnv("NO_COLOR", "1");
  expect(wantsColor(terminal, true)).toBe(false);
  vi.stubEnv("NO_COLOR", undefined).stubEnv("TERM", "dumb");
  expect(wantsColor(terminal, true)).toBe(false);
  vi.unstubAllEnvs();
});
