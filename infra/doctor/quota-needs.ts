import type { Config, LaneConfig } from "../../shared/config/config.ts";
import { SQS_MAX_IN_FLIGHT } from "../../shared/limits.ts";

/** What the lanes may use at once of what an account and region has. */
export interface Need {
  /** As Service Quotas names it. */
  readonly service: string;
  readonly code: string;
  /** `amount` of these. */
  readonly what: string;
  readonly amount: number;
  /** Of the whole region, which everything in it shares; or of one queue. */
  readonly scope: "region" | "queue";
  /** What everybody has by AWS's documentation, for where Service Quotas tells nothing; absent: it depends on the account. */
  readonly documented?: number;
  /** What asks less, in the words of `senpu.config.yaml`. */
  readonly less: string;
}

/** Beside the lanes: the producer twice (one waits for another), the recorder, the ledger's two functions. */
const OTHER_FUNCTIONS = 8;
/** CPU units in a vCPU, as ECS counts them. */
const CPU_UNITS = 1_024;
/** A worker tells outcomes every 200 ms while there are any (`consumer/settle/settler.ts`), in one message. */
const OUTCOME_MESSAGES_A_SECOND = 5;
/** A chunk for each message of outcomes, at the worst. */
const MESSAGES_AN_OUTCOME = 2;
/** Calls that a polling worker holds: so many times the lane's concurrency, and at least (`consumer/receive/stock.ts`). */
const HELD_FACTOR = 20;
const LEAST_HELD = 2_000;

/**
 * Messages that an account may publish to standard topics of a region in a second, before anybody has asked for more.
 * Source: AWS General Reference, "Amazon SNS endpoints and quotas", Publish API throttling; seen 2026-11-28.
 */
const SNS_PUBLISHES: Readonly<Record<string, number>> = {
  "us-east-1": 30_000,
  "us-west-2": 9_000,
  "eu-west-1": 9_000,
  "us-east-2": 1_500,
  "us-west-1": 1_500,
  "ap-south-1": 1_500,
  "ap-northeast-2": 1_500,
  "ap-southeast-1": 1_500,
  "ap-southeast-2": 1_500,
  "ap-northeast-1": 1_500,
  "eu-central-1": 1_500,
};
const SNS_PUBLISHES_ELSEWHERE = 300;

/**
 * What the lanes need, at the most: an upper bound, since a doctor that asks for too much does less harm than a throttled
 * lane. `maxTasks`: the most that the environment lets one lane run.
 *
 * Codes of Lambda, Fargate and SNS are those of Service Quotas' console. That of SQS is from public code that asks for it
 * (2026-11-28), and AWS's own pages name none; it cannot be raised there. So for SNS and SQS, where the answer is that
 * there is no such quota, the documented figure is taken, and told as such.
 */
export function needsOf({ lanes }: Config, maxTasks: number, region: string): Need[] {
  let concurrency = OTHER_FUNCTIONS;
  let publishes = 0;
  const cpu = { spot: 0, other: 0 };
  const fullest = { lane: "", messages: 0 };
  for (const lane of lanes) {
    const { worker } = lane;
    publishes += publishesOf(lane, maxTasks);
    const messages = inFlightOf(lane, maxTasks);
    if (messages > fullest.messages) Object.assign(fullest, { lane: lane.name, messages });
    if (worker.kind === "lambda") concurrency += worker.maxConcurrency;
    else {
      cpu[worker.spot ? "spot" : "other"] +=
        (Math.min(worker.maxTasks, maxTasks) * worker.cpuUnits) / CPU_UNITS;
    }
  }
  const ofRegion = { scope: "region", less: "smaller lanes" } as const;
  const needs: Need[] = [
    {
      ...ofRegion,
      service: "lambda",
      code: "L-B99A9384",
      what: "functions running at once",
      amount: concurrency,
    },
    {
      ...ofRegion,
      service: "fargate",
      code: "L-36FBB829",
      what: "vCPUs of Fargate Spot",
      amount: cpu.spot,
    },
    {
      ...ofRegion,
      service: "fargate",
      code: "L-3032A538",
      what: "vCPUs of Fargate",
      amount: cpu.other,
    },
    {
      scope: "region",
      service: "sns",
      code: "L-F8E2BA85",
      what: "messages published a second",
      amount: publishes,
      documented: SNS_PUBLISHES[region] ?? SNS_PUBLISHES_ELSEWHERE,
      less: "a rate for the lanes that have none, or fewer workers",
    },
    {
      scope: "queue",
      service: "sqs",
      code: "L-C491D5A4",
      what: `messages of lane ${fullest.lane} in flight`,
      amount: fullest.messages,
      documented: SQS_MAX_IN_FLIGHT,
      less: "a smaller batch or maxConcurrency, fewer tasks",
    },
  ];
  return needs.filter(({ amount }) => amount > 0);
}

/** Chunks and outcomes that a lane's calls are published in, a second: by its rate with one call each, or by its workers. */
function publishesOf({ worker, rate }: LaneConfig, maxTasks: number): number {
  const workers =
    worker.kind === "lambda" ? worker.maxConcurrency : Math.min(worker.maxTasks, maxTasks);
  const outcomes = workers * OUTCOME_MESSAGES_A_SECOND;
  const callsASecond = rate === undefined ? Infinity : (rate.count / rate.perMs) * 1_000;
  return Math.min(outcomes, callsASecond) * MESSAGES_AN_OUTCOME;
}

/** Messages that a lane's workers have received and not deleted, with one call each. */
function inFlightOf({ worker, concurrency }: LaneConfig, maxTasks: number): number {
  if (worker.kind === "lambda") return worker.maxConcurrency * worker.batchSize;
  const held = Math.max(LEAST_HELD, concurrency * HELD_FACTOR);
  return Math.min(worker.maxTasks, maxTasks) * held;
}
