import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { renderHtml } from "../../../producer/report/render-html.ts";
import type { ReportData } from "../../../producer/report/report-data.ts";
import type { CallRow } from "../../../shared/ledger/ledger.ts";
import { Browser, findBrowser } from "../../support/browser.ts";
import type { Page } from "../../support/browser.ts";
import { makeFolder } from "../../support/command-line.ts";
import { endedAt, reportOf } from "./report-rows.ts";

const program = findBrowser();
if (program === undefined) {
  console.log("The page is not opened: no chromium or google-chrome in PATH, and no CHROME_PATH.");
}

/** A run of so many calls in ten minutes, with failures, retries and two lanes. */
function* makeRows(count: number): Generator<CallRow> {
  for (let n = 0; n < count; n++) {
    const latencyMs = 5 + ((n * 7_919) % 1_000) ** 2 / 4_000;
    const isFailed = n % 50 === 0;
    yield endedAt(300 + (n * 600_000) / count, {
      id: `call-${n}`,
      lane: n % 3 === 0 ? "orders" : "crm",
      latencyMs,
      attempts: n % 9 === 0 ? 3 : 1,
      ...(isFailed && { state: "failed", reason: "exhausted", status: 503, error: "HTTP 503" }),
    });
  }
}

const SETTINGS = JSON.stringify({
  lanes: [
    { name: "crm", match: [], concurrency: 8, rate: { count: 20, perMs: 1_000 } },
    { name: "orders", match: [], concurrency: 64 },
  ],
});

describe.skipIf(program === undefined)("the page in a browser", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await Browser.start(program!);
  });
  afterAll(() => browser.close());

  async function open(data: ReportData, width = 1_280): Promise<{ page: Page; path: string }> {
    const path = join(makeFolder(), "report.html");
    writeFileSync(path, renderHtml(data));
    const page = await browser.newPage(width, 900);
    await page.open(`file://${path}`);
    return { page, path };
  }

  /** Charts in which something was drawn. */
  const countDrawn = (page: Page): Promise<number> =>
    page.evaluate(`[...document.querySelectorAll(".chart canvas")].filter((canvas) => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return data.some((value) => value !== 0);
    }).length`);

  test(
    "200,000 calls are a file under 5 MB that opens in under 2 seconds",
    { timeout: 60_000 },
    async () => {
      const data = await reportOf(makeRows(200_000), { settings: SETTINGS });
      const { page, path } = await open(data);
      expect(statSync(path).size).toBeLessThan(5_000_000);
      expect(await page.busySeconds()).toBeLessThan(2);
      expect(await countDrawn(page)).toBe(8);
    },
  );

  test("it asks nobody for anything, and nothing in it is refused or fails", async () => {
    const { page, path } = await open(await reportOf(makeRows(500), { settings: SETTINGS }));
    await page.print();
    expect(page.requests).toEqual([`file://${path}`]);
    expect(page.complaints).toEqual([]);
    const added = `new Promise((resolve) => {
      document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) => resolve(effectiveDirective));
      document.body.append(Object.assign(document.createElement("img"), { src: "http://127.0.0.1:9/x" }));
    })`;
    expect(await page.evaluate(added)).toBe("img-src");
  });

  test("what calls bring along is text on it, and nothing else", async () => {
    const evil = `</script><script>window.evil=1</script><img src=x onerror="window.evil=1">'"\`\${evil}`;
    const rows = [
      endedAt(100, { id: evil, lane: evil, method: evil, url: `javascript:${evil}` }),
      endedAt(200, { id: "\u202egnp.exe\u2066", url: `https://a.example/${"y".repeat(10_000)}` }),
      endedAt(300, { id: "<!--", lane: "<!--<script>", url: "https://a.example/\u2028]]>" }),
    ].map((row) => ({
      ...row,
      state: "failed" as const,
      reason: "rejected" as const,
      status: 404,
      error: `${evil} ${"z".repeat(10_000)}`,
    }));
    const data = await reportOf(rows, { settings: SETTINGS }, { name: evil });
    const { page } = await open(data);
    expect(await page.evaluate("typeof window.evil")).toBe("undefined");
    expect(await page.evaluate("document.scripts.length + document.images.length")).toBe(3);
    expect(page.complaints).toEqual([]);
    const text = await page.evaluate<string>("document.body.innerText");
    expect(text).toContain("</script><script>window.evil=1</script>");
    expect(text).not.toMatch(/\p{Bidi_Control}/u);
    expect(text.length).toBeLessThan(10_000);
    expect(await countDrawn(page)).toBeGreaterThan(3);
  });

  test.each([375, 768, 1_280])(
    "at a width of %i it scrolls down and not sideways",
    async (width) => {
      const { page } = await open(await reportOf(makeRows(500), { settings: SETTINGS }), width);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
      const widest = `Math.max(...[...document.querySelectorAll("canvas")].map((each) => each.getBoundingClientRect().right))`;
      expect(await page.evaluate(widest)).toBeLessThanOrEqual(width);
    },
  );

  test("it is dark where the reader's screen is, and light on paper", async () => {
    const { page } = await open(await reportOf(makeRows(500)));
    const paper = "getComputedStyle(document.body).backgroundColor";
    expect(await page.evaluate(paper)).toBe("rgb(255, 255, 255)");
    await page.emulate("dark");
    expect(await page.evaluate(paper)).toBe("rgb(20, 23, 26)");
    await page.send("Emulation.setEmulatedMedia", {
      media: "print",
      features: [{ name: "prefers-color-scheme", value: "dark" }],
    });
    expect(await page.evaluate(paper)).toBe("rgb(255, 255, 255)");
  });

  test("what stands under the pointer is said in words", async () => {
    const { page } = await open(await reportOf(makeRows(6_000)));
    const [x, y] = await page.evaluate<[number, number]>(`(() => {
      const over = document.querySelector("#chart-calls .u-over");
      over.scrollIntoView({ block: "center" });
      const { left, top, width, height } = over.getBoundingClientRect();
      return [left + width / 2, top + height / 2];
    })()`);
    for (const step of [0, 1, 2]) {
      await page.send("Input.dispatchMouseEvent", { type: "mouseMoved", x: x + step, y });
    }
    await page.evaluate("new Promise(requestAnimationFrame)");
    const words = await page.evaluate("document.querySelector('#chart-calls .tooltip').innerText");
    expect(words).toMatch(/^\d\d:\d\d:\d\d, 5 m 0 s in\nsucceeded 9\.\d+\/s\nfailed 0\.\d+\/s$/);
  });

  test.each([
    ["of no call", [], "No call has ended yet."],
    ["of one call", [endedAt(40)], "the call succeeded in 20 s."],
    [
      "of calls that are all to come",
      [
        endedAt(1, {
          state: "pending",
          attempts: 0,
          startedAt: null,
          settledAt: null,
          latencyMs: null,
        }),
      ],
      "No call has ended yet.",
    ],
  ])("a run %s is a page too", async (_name, rows, words) => {
    const { page } = await open(await reportOf(rows));
    expect(await page.evaluate("document.body.innerText")).toContain(words);
    expect(page.complaints).toEqual([]);
  });
});

test.each([
  ["running", "The run goes on"],
  ["paused", "The run is paused"],
  ["stopped", "The run was stopped before its end"],
  ["interrupted", "The run was interrupted"],
  ["cancelled", "1 call given up"],
] as const)("a run that is %s says so", async (state, words) => {
  const row = endedAt(2_000, { state: "cancelled", latencyMs: null, startedAt: null });
  const html = renderHtml(await reportOf([endedAt(1_000), row], {}, { state }));
  expect(html).toContain(words);
  expect(html).toContain(`>${state}</span>`);
});
