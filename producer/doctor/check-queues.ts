import {
  LEDGER_DEAD_QUEUE,
  LEDGER_QUEUE,
  UNROUTED_QUEUE,
  deadQueue,
  failedQueue,
  laneQueue,
} from "../../shared/broker/broker.ts";
import { UNDELIVERED_QUEUE, laneOfQueue } from "../../shared/broker/topology.ts";
import { formatCount, formatQuantity } from "../../shared/terminal/format.ts";
import { readDepths } from "./depths.ts";
import type { Depths } from "./depths.ts";
import { nameSome, ok, problem, warning } from "./finding.ts";
import type { Check, Finding } from "./finding.ts";

/** What lies in the queues, and what lies where nobody fetches it. */
export const checkQueues: Check = async (examination) => {
  const depths = await readDepths(examination);
  if (depths === undefined) return [];
  const lanes = [...depths.keys()].flatMap((queue) => laneOfQueue(queue) ?? []);
  return [
    ok("queues", describeDepths(depths, lanes)),
    ...checkLetters(depths, lanes),
    ...ASTRAY.flatMap(({ queue, found, advice }) => {
      const count = depths.get(queue) ?? 0;
      return count === 0
        ? []
        : [problem("queues", `${formatQuantity(count, "message")} in ${queue}: ${found}`, advice)];
    }),
  ];
};

function describeDepths(depths: Depths, lanes: readonly string[]): string {
  const parts = [
    ...lanes.map((lane) => [`lane ${lane}`, depths.get(laneQueue(lane)) ?? 0] as const),
    ["ledger", depths.get(LEDGER_QUEUE) ?? 0] as const,
  ];
  const full = parts.filter(([, depth]) => depth > 0);
  if (full.length === 0) return "all empty";
  return `messages: ${nameSome(
    full.map(([name, depth]) => `${name} ${formatCount(depth)}`),
    5,
  )}`;
}

function checkLetters(depths: Depths, lanes: readonly string[]): Finding[] {
  const count = (of: (lane: string) => string): readonly (readonly [string, number])[] =>
    lanes
      .map((lane) => [lane, depths.get(of(lane)) ?? 0] as const)
      .filter(([, depth]) => depth > 0);
  const tell = (counts: readonly (readonly [string, number])[]): string =>
    nameSome(counts.map(([lane, depth]) => `${formatCount(depth)} of lane ${lane}`));
  const failed = count(failedQueue);
  const dead = count(deadQueue);
  return [
    ...(failed.length === 0
      ? []
      : [
          warning(
            "letters",
            `calls that have failed for good: ${tell(failed)}`,
            "senpu dlq tells why; senpu replay makes them again; senpu prune forgets old ones",
          ),
        ]),
    ...(dead.length === 0
      ? []
      : [
          warning(
            "letters",
            `messages that SQS gave up on: ${tell(dead)}`,
            "senpu recorder records their calls as abandoned; start one if none runs",
          ),
        ]),
  ];
}

const ASTRAY = [
  {
    queue: UNROUTED_QUEUE,
    found: "their lane had no queue",
    advice: "senpu recorder sends them on once their lane has one, which senpu worker makes",
  },
  {
    queue: UNDELIVERED_QUEUE,
    found: "SNS could not bring them to their queue",
    advice: "senpu resume RUN sends what has no outcome; senpu runs names the runs",
  },
  {
    queue: LEDGER_DEAD_QUEUE,
    found: "no recorder could read or record them",
    advice:
      "a newer senpu may have sent them: update this one; then senpu resume RUN makes what has no outcome",
  },
] as const;
