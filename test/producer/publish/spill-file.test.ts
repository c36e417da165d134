import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { SpillFile } from "../../../producer/publish/spill-file.ts";

const folder = mkdtempSync(join(tmpdir(), "senpu-spill-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("what goes in comes out, once and in order, however appends and shifts interleave", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(fc.constant(null), fc.tuple(fc.constantFrom("a", "風", "😀"), fc.nat(90_000))),
        { maxLength: 40 },
      ),
      (steps) => {
        const spill = new SpillFile(join(folder, "property"));
        const expected: string[] = [];
        for (const step of steps) {
          if (step === null) expect(spill.shift()).toBe(expected.shift());
          else {
            const body = step[0].repeat(step[1]);
            spill.append(body);
            expected.push(body);
          }
          expect(spill.isEmpty).toBe(expected.length === 0);
        }
        while (expected.length > 0) expect(spill.shift()).toBe(expected.shift());
        expect(spill.shift()).toBeUndefined();
        spill.close();
      },
    ),
    { numRuns: 50 },
  );
});

test("it leaves no file behind", () => {
  const path = join(folder, "gone");
  const spill = new SpillFile(path);
  spill.append("x");
  expect(existsSync(path)).toBe(true);
  spill.close();
  expect(existsSync(path)).toBe(false);
});
