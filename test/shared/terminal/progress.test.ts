import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import { createProgress } from "../../../shared/terminal/progress.ts";
import type { ProgressOptions } from "../../../shared/terminal/progress.ts";
import type { ProgressSnapshot } from "../../../shared/terminal/render-progress.ts";
import { FakeScreen } from "../../support/fake-screen.ts";

function snapshotAt(elapsedMs: number): ProgressSnapshot {
  const done = Math.floor(elapsedMs / 100);
  return {
    name: "crm",
    run: "01k5",
    elapsedMs,
    planned: 1_000,
    plannedIsFinal: true,
    succeeded: done,
    failed: 0,
    pending: 1_000 - done,
    lanes: [],
  };
}

class Rig {
  now = 0;
  readonly screen = new FakeScreen(80);
  readonly writes: string[] = [];
  readonly progress;

  constructor(options: Partial<ProgressOptions>) {
    const { screen, writes } = this;
    const stream = {
      get columns() {
        return screen.columns;
      },
      write: (text: string) => {
        writes.push(text);
        screen.write(text);
      },
    };
    this.progress = createProgress({
      stream,
      isTty: true,
      color: true,
      quiet: false,
      now: () => this.now,
      ...options,
    });
  }

  run(untilMs: number, everyMs: number): void {
    for (; this.now <= untilMs; this.now += everyMs) this.progress.update(snapshotAt(this.now));
  }
}

describe("on a terminal", () => {
  test("it is redrawn in place, at most ten times a second", () => {
    const rig = new Rig({});
    rig.run(5_000, 10);
    expect(rig.writes.length).toBeLessThanOrEqual(51);
    expect(rig.screen.lines()).toHaveLength(3);
    expect(rig.screen.lines()[1]).toContain("50 of 1,000 calls · 10/s · about 2 m left");
  });

  test("the end takes it away and leaves what stood above", () => {
    const rig = new Rig({});
    rig.screen.write("$ senpu run plan.yaml\n");
    rig.run(1_000, 100);
    rig.progress.end();
    rig.progress.end();
    expect(rig.screen.lines()).toEqual(["$ senpu run plan.yaml"]);
  });

  test("a warning stands above it and stays", () => {
    const rig = new Rig({});
    rig.run(1_000, 100);
    rig.progress.say("the API closed the lane");
    rig.run(2_000, 100);
    expect(rig.screen.lines()[0]).toBe("the API closed the lane");
    expect(rig.screen.lines()).toHaveLength(4);
  });

  test("a terminal made narrower is cleared of the lines that it has wrapped", () => {
    const rig = new Rig({});
    rig.run(1_000, 100);
    rig.screen.resize(30);
    rig.run(2_000, 100);
    expect(rig.screen.lines()).toHaveLength(3);
    for (const line of rig.screen.lines()) expect(line.length).toBeLessThan(30);
  });

  test("the cursor is never hidden, so that a killed process leaves the terminal as it was", () => {
    const rig = new Rig({});
    rig.run(1_000, 100);
    expect(rig.writes.join("")).not.toContain("\u001b[?25l");
  });
});

describe("elsewhere", () => {
  test("there is a plain line every five seconds, and none for a short run", () => {
    const rig = new Rig({ isTty: false, color: false });
    rig.run(4_900, 100);
    expect(rig.writes).toEqual([]);
    rig.run(15_000, 100);
    expect(rig.writes).toHaveLength(3);
    expect(stripVTControlCharacters(rig.writes[0]!)).toBe(rig.writes[0]);
  });

  test("lines become rarer after a minute", () => {
    const rig = new Rig({ isTty: false });
    rig.run(600_000, 500);
    expect(rig.writes.length).toBeLessThan(35);
  });

  test("quiet writes no progress, and warnings all the same", () => {
    const rig = new Rig({ quiet: true });
    rig.run(60_000, 100);
    expect(rig.writes).toEqual([]);
    rig.progress.say("disk full");
    expect(rig.writes).toEqual(["disk full\n"]);
  });
});
