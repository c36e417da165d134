import * as fc from "fast-check";
import { expect, test } from "vitest";
import { widthOf } from "../../../shared/terminal/fit.ts";
import { fitTable, renderTable } from "../../../shared/terminal/table.ts";

test("columns are as wide as what stands in them, numbers to the right", () => {
  const lines = renderTable(
    [{ title: "ID" }, { title: "TRIES", align: "right" }, { title: "URL", cut: "middle" }],
    [
      ["a1", "1", "https://example.com/"],
      ["customer", "12", ""],
    ],
    80,
  );
  expect(lines).toEqual([
    "ID        TRIES  URL",
    "a1            1  https://example.com/",
    "customer     12",
  ]);
});

test("the widest column that may gives way first", () => {
  const [, line] = renderTable(
    [
      { title: "ID", cut: "end" },
      { title: "URL", cut: "middle" },
    ],
    [["customer-1", "https://example.com/a/very/long/path/to/something"]],
    40,
  );
  expect(line).toBe("customer-1  https://exampl…/to/something");
});

test("optional columns are left out where even the narrowest table is too wide", () => {
  const [head] = renderTable(
    [{ title: "RUN" }, { title: "STARTED", optional: true }, { title: "TOOK", optional: true }],
    [["01k5v2m0", "2026-11-22 09:05", "3 m 20 s"]],
    30,
  );
  expect(head).toBe("RUN       STARTED");
});

test("later rows are cut to the widths that the sample had", () => {
  const table = fitTable([{ title: "ID", cut: "end" }, { title: "N" }], [["abcdefgh", "1"]], 80);
  expect(table.row(["abcdefghijk", "2"])).toBe("abcdefg…  2");
});

test("colour comes after cutting and takes no width", () => {
  const [, line] = renderTable(
    [{ title: "STATE", paint: (cell) => `<${cell}>` }, { title: "N" }],
    [["ok", "1"]],
    80,
  );
  expect(line).toBe("<ok   >  1");
});

test("no table of columns that may give way is wider than asked for", () => {
  const cell = fc.string({ maxLength: 60 }).map((text) => text.replaceAll(/[^ -~]/g, "x"));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(cell, cell, cell)),
      fc.integer({ min: 30, max: 120 }),
      (rows, width) => {
        const columns = [
          { title: "A", cut: "end" as const },
          { title: "B", cut: "middle" as const },
          { title: "C", optional: true, cut: "end" as const },
        ];
        for (const line of renderTable(columns, rows, width)) {
          expect(widthOf(line)).toBeLessThanOrEqual(width);
        }
      },
    ),
  );
});
