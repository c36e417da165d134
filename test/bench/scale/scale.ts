import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { LaneLimit } from "../../../shared/coordination/coordination.ts";
import { messageOf } from "../../../shared/errors.ts";
import type { Lane } from "../../../shared/model/lane.ts";
import { simulateLimits } from "./limits.ts";
import { customerCalls, packRun } from "./packing.ts";
import type { PackedRun } from "./packing.ts";

/**
 * `npm run bench:scale`: what a run of so many calls comes to in messages and requests, and whether limits are held and
 * reached by so many workers. Real code in virtual time, nothing is sent; the same figures on any machine. `--write`: into
 * `results.md` beside this file.
 */

const LANE: Lane = { name: "api", match: ["**"], concurrency: 1_000 };
/** Beyond this, chunks are as large as they get, and a run is so many of them. */
const MOST_PACKED = 100_000;
const COUNTS = [1e4, 1e6, 1e8];
const BODIES = [0, 1_000, 10_000];
const WORKERS = [1, 10, 100, 1_000];
const LIMITS: readonly LaneLimit[] = [
  { lane: "api", concurrency: 64 },
  { lane: "api", concurrency: 1_000 },
  { lane: "api", concurrency: 1_000, rate: { count: 100, perMs: 1_000 } },
  { lane: "api", concurrency: 1_000, rate: { count: 1_000, perMs: 1_000 } },
  { lane: "api", concurrency: 10_000, rate: { count: 10_000, perMs: 1_000 } },
];
const SCENE = { callMs: 100, roundTripMs: 6, seconds: 10 };

function packingRows(): string[] {
  return BODIES.flatMap((bodyBytes) => {
    const small = packRun(customerCalls(MOST_PACKED / 2, bodyBytes), LANE);
    const large = packRun(customerCalls(MOST_PACKED, bodyBytes), LANE);
    return COUNTS.map((calls) => {
      const run =
        calls <= MOST_PACKED
          ? packRun(customerCalls(calls, bodyBytes), LANE)
          : grow(small, large, calls);
      const cells = [
        bodyBytes === 0 ? "none" : `${bodyBytes / 1_000} KB`,
        whole(calls),
        whole(run.messages),
        `${(run.bytes / 1e6).toFixed(1)} MB`,
        whole(run.publishes),
        whole(run.outcomeMessages),
        whole(run.queueRequests),
      ];
      return `| ${cells.join(" | ")} |`;
    });
  });
}

/** What each further call adds, once chunks are as large as they get. */
function grow(small: PackedRun, large: PackedRun, calls: number): PackedRun {
  const by = (of: (run: PackedRun) => number): number =>
    Math.round(
      of(large) + ((of(large) - of(small)) / (large.calls - small.calls)) * (calls - large.calls),
    );
  return {
    calls,
    messages: by(({ messages }) => messages),
    bytes: by(({ bytes }) => bytes),
    largestBytes: large.largestBytes,
    publishes: by(({ publishes }) => publishes),
    outcomeMessages: by(({ outcomeMessages }) => outcomeMessages),
    outcomeBytes: by(({ outcomeBytes }) => outcomeBytes),
    queueRequests: by(({ queueRequests }) => queueRequests),
  };
}

async function limitRows(): Promise<string[]> {
  const rows: string[] = [];
  for (const limit of LIMITS) {
    for (const workers of WORKERS) {
      const { share, mostASecond, mostInFlight, asked } = await simulateLimits({
        ...SCENE,
        workers,
        limit,
      });
      const perSecond = (method: string): string => whole(asked[method] ?? 0);
      const cells = [
        limit.rate === undefined ? "none" : `${whole(limit.rate.count)}/s`,
        whole(limit.concurrency),
        whole(workers),
        `${(share * 100).toFixed(1)} %`,
        whole(mostASecond),
        whole(mostInFlight),
        perSecond("lease"),
        perSecond("reserve"),
        perSecond("workers"),
      ];
      rows.push(`| ${cells.join(" | ")} |`);
    }
  }
  return rows;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}

function table(heads: readonly string[], rows: readonly string[]): string {
  const line = `|${heads.map(() => "---:|").join("")}`;
  return [`| ${heads.join(" | ")} |`, line, ...rows].join("\n");
}

const USAGE = `Usage: npm run bench:scale -- [--write]

What a run of so many calls comes to in messages and requests, and whether limits are held and reached by so many workers.

  --write   into test/bench/scale/results.md as well
`;

const OPTIONS = {
  write: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

let write = false;
let help = false;
try {
  ({ write, help } = parseArgs({ options: OPTIONS }).values);
} catch (error) {
  process.stderr.write(`bench:scale: ${messageOf(error)}\n${USAGE}`);
  process.exit(2);
}
if (help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
process.stderr.write("packing, then some seconds of twenty scenes …\n");
const text = `# What scale comes to

\`npm run bench:scale\`. Real packing, compression and limits; nothing is sent.

## Packing

A PUT a customer, with so much JSON each, in one lane of concurrency 1,000. Above ${whole(MOST_PACKED)} calls: what each
further call adds. Publishes are requests of ten messages and 256 KiB at the most; queue requests are receives and deletes
in full batches, of the lane queue and the ledger queue. Outcomes are told in messages of 2,000, which takes workers that are
fast enough to settle as many in 200 ms; slow ones tell in more and smaller messages, five a second each at the most.

${table(["body", "calls", "messages", "as sent", "publishes", "outcome messages", "queue requests"], packingRows())}

## Limits, by many workers

Calls of ${SCENE.callMs} ms, a store that answers in ${SCENE.roundTripMs} ms, ${SCENE.seconds} seconds after five of settling. *Reached*: of what the
tighter limit allows. *Most in 1 s*: in any window of a second. The last three columns are requests of coordination a second,
all workers together.

${table(["rate", "concurrency", "workers", "reached", "most in 1 s", "most in flight", "lease", "reserve", "count"], await limitRows())}
`;
process.stdout.write(text);
if (write) writeFileSync(new URL("./results.md", import.meta.url), text);
