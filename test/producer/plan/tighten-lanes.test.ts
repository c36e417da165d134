import { expect, test } from "vitest";
import type { GivenLanes } from "../../../producer/plan/merge-lanes.ts";
import { configOf } from "../../shared/config/config-files.ts";
import { readFiles } from "./plan-files.ts";

const config = configOf(`
lanes:
  crm: { match: "https://crm.example/**", concurrency: 8, rate: 20/s, burst: 4, retention: 2d }
  api: { match: "https://api.example/**", worker: fargate, timeout: 2m }
total: { concurrency: 100, rate: 50/s }
`);
const given: GivenLanes = { kind: "deployed", config };

const read = (text: string) =>
  readFiles({ "p.yaml": `${text}\ncalls: [https://crm.example/1]` }, { given });

test("a plan for a deployment may tighten its lanes", async () => {
  const plan = await read(
    "lanes: { crm: { concurrency: 2, rate: 600/m, burst: 2 } }\ntotal: { concurrency: 50 }",
  );
  expect(plan.lanes[0]).toEqual({
    name: "crm",
    match: ["https://crm.example/**"],
    concurrency: 2,
    rate: { count: 600, perMs: 60_000, burst: 2 },
  });
  expect(plan.total).toEqual({ concurrency: 50, rate: { count: 50, perMs: 1_000 } });
});

test("a lane that has no rate may be given one", async () => {
  const plan = await read("lanes: { api: { rate: 5/s } }");
  expect(plan.lanes[1]).toMatchObject({ name: "api", concurrency: 64, rate: { count: 5 } });
});

const LOOSER: readonly (readonly [what: string, text: string, error: RegExp])[] = [
  [
    "more calls in flight",
    "lanes: { crm: { concurrency: 9 } }",
    /^p\.yaml:1:17 lanes\.crm\.concurrency: 9 is more than lane crm in \S+ has, 8; at most that$/,
  ],
  [
    "more calls in flight, of a lane that adapts",
    "lanes: { crm: { concurrency: auto } }",
    /lanes\.crm\.concurrency: 256 is more than lane crm in \S+ has, 8/,
  ],
  [
    "a faster rate, in another unit",
    "lanes: { crm: { rate: 1201/m } }",
    /lanes\.crm\.rate: 1201\/m is faster than lane crm in \S+, 20\/s; at most that/,
  ],
  [
    "a larger burst",
    "lanes: { crm: { rate: 10/s, burst: 5 } }",
    /lanes\.crm\.burst: 5 is more than lane crm in \S+ has, 4; at most that/,
  ],
  [
    "other globs",
    'lanes: { crm: { match: "**" } }',
    /lanes\.crm\.match: is for \S+ to say, as it is deployed; leave it out/,
  ],
  [
    "a lane that is not there",
    "lanes: { mine: { match: https://mine.example/** } }",
    /p\.yaml:1:10 lanes\.mine: is not deployed; deployed are crm, api, default \(\S+\)/,
  ],
  [
    "a larger total",
    "total: { concurrency: 101, rate: 51/s }",
    /total\.concurrency: 101 is more than the total in \S+ has, 100; at most that\n.*total\.rate: 51\/s is faster than the total in \S+, 50\/s; at most that/,
  ],
  [
    "attempts that no lane gives the time for",
    "defaults: { timeout: 3m }",
    /defaults\.timeout: 3m is longer than any lane gives a call in \S+, 2m at the most/,
  ],
  [
    "a deadline that messages do not live to see",
    "defaults: { deadline: 3d }",
    /defaults\.deadline: 3d is longer than lane crm keeps a message in \S+, 2d; at most that/,
  ],
];

test.each(LOOSER)("%s is refused, with both figures", async (_, text, error) => {
  await expect(read(text)).rejects.toThrow(error);
});

test("a plan of calls alone is held to the same", async () => {
  const short: GivenLanes = {
    kind: "deployed",
    config: configOf("lanes: { default: { retention: 12h } }"),
  };
  const reading = readFiles({ "urls.txt": "https://crm.example/1" }, { given: short });
  await expect(reading).rejects.toThrow(
    /^urls\.txt defaults\.deadline: 1d is longer than lane default keeps a message/,
  );
});
