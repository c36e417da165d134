import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "csv-parse/sync";
import { stringify } from "yaml";
import type { Reason } from "../../shared/model/outcome.ts";
import { wrap } from "../../shared/terminal/fit.ts";
import { BROKEN_PLACE, RETRY_AFTER_SECONDS, UNKNOWN_PLACE } from "./demo-behaviour.ts";

/** The demo's plan: forecasts for every capital of a UN member, a bulletin for every prefecture of Japan. */

/** Calls in all: 193 capitals, 47 prefectures, two places that fail, three about the API itself. */
export const DEMO_CALLS = 245;

const ATTEMPTS = 4;

/** The calls that the demo means to fail, so that there is something to look at. */
export const PLANNED_FAILURES: readonly {
  readonly id: string;
  readonly reason: Reason;
  readonly status: number;
}[] = [
  { id: "atlantis", reason: "rejected", status: 404 },
  { id: "el-dorado", reason: "exhausted", status: 500 },
];

/** Writes the plan for an API at `url` into the folder, which exists. Returns its path. */
export function writeDemoPlan(folder: string, url: string): string {
  const path = join(folder, "demo.yaml");
  writeFileSync(path, HEADING + stringify(createDemoPlan(url), { lineWidth: 0 }));
  return path;
}

const HEADING = `# Written by \`senpu demo\` for its API, whose port is another one each time.
`;

/** The plan as a value; `url` without a slash at the end. */
function createDemoPlan(url: string): Record<string, unknown> {
  return {
    name: "demo",
    lanes: {
      weather: { match: `${url}/v1/forecast`, concurrency: 16, rate: "60/s" },
      bulletins: { match: `${url}/v1/bulletins`, concurrency: 4 },
    },
    defaults: { headers: { accept: "application/json" }, timeout: "10s" },
    retry: { attempts: ATTEMPTS, backoff: { first: "250ms", max: "1s" } },
    allow: ["127.0.0.1"],
    calls: [
      { id: "health", url: `${url}/v1/health` },
      { id: "health-head", method: "HEAD", url: `${url}/v1/health` },
      { id: "bulletins", url: `${url}/v1/bulletins` },
      { id: "atlantis", url: `${url}/v1/forecast?name=${encodeURIComponent(UNKNOWN_PLACE)}` },
      { id: "el-dorado", url: `${url}/v1/forecast?name=${encodeURIComponent(BROKEN_PLACE)}` },
      ...readPrefectures().map(({ prefecture, capital }) => ({
        id: `bulletin-${prefecture.toLowerCase()}`,
        method: "POST",
        url: `${url}/v1/bulletins`,
        json: { prefecture, capital, text: `Winds over ${capital} are light.` },
      })),
    ],
    from: dataFile("capitals.csv"),
    each: {
      id: "{{ iso2 }}",
      url: `${url}/v1/forecast?latitude={{ latitude }}&longitude={{ longitude }}&name={{ capital }}`,
    },
  };
}

/** What a person should know who sees failures at the end of a demo; ends with a line feed. `refused`: answers 503. */
export function explainPlannedFailures(refused: number, columns: number): string {
  const failures =
    `Both failures were planned. ${UNKNOWN_PLACE} is a place that the API does not know: 404, which is not ` +
    `tried again. The station of ${BROKEN_PLACE} fails at each of its ${ATTEMPTS} attempts: 500.`;
  const retries =
    `The API was also overloaded now and then, and answered ${refused} first tries with 503 and ` +
    `Retry-After: ${RETRY_AFTER_SECONDS}. Those calls waited until it was over, and succeeded.`;
  return `${[...wrap(failures, columns), ...wrap(retries, columns)].join("\n")}\n`;
}

function readPrefectures(): { prefecture: string; capital: string }[] {
  return parse(readFileSync(dataFile("prefectures.csv")), { columns: true });
}

function dataFile(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
