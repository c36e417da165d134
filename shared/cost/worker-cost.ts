import type { FargateWorker } from "../config/fargate-worker.ts";
import type { LambdaWorker } from "../config/lambda-worker.ts";
import type { Bill } from "./bill.ts";
import type { LaneVolume } from "./run-volume.ts";

/** A task is there for some minutes before the scaling sees that it has nothing to do, and some until it is ended. */
const FARGATE_IDLE_MS = 180_000;
const FARGATE_RENEW_MS = 10_000;
const HOUR_MS = 3_600_000;

/** Units of DynamoDB, as `shared/coordination/dynamo-coordination.ts` lists them, a second a worker. */
const READS_A_SECOND = 4 + 2 + 2 + 1;
const READS_A_SECOND_FOR_RATE = 4 + 4;
const WRITES_A_SECOND_FOR_RATE = 4;
/** Chunks older than a second that a worker has in hand, each of which leaves a checkpoint a second. */
const OPEN_CHUNKS = 2;
const WORKERS_A_LEASE_KB = 10;
const UNSAFE_A_MARK = 8;

/** Functions or tasks that work on a lane at once: no more than there are messages for. */
export function workersOf({ worker, messages }: Pick<LaneVolume, "worker" | "messages">): number {
  return worker.kind === "lambda"
    ? Math.max(1, Math.min(worker.maxConcurrency, messages))
    : Math.max(1, Math.min(worker.maxTasks, Math.ceil(messages / worker.backlogPerTask)));
}

/** What makes a lane's calls. Returns invocations. */
export function addWorkers(bill: Bill, lane: LaneVolume): number {
  if (lane.calls === 0) return 0;
  const { worker } = lane;
  return worker.kind === "lambda" ? addFunctions(bill, lane, worker) : addTasks(bill, lane, worker);
}

/** Functions wait with their calls, for a slot or for their time: all are busy until the lane is done. */
function addFunctions(bill: Bill, lane: LaneVolume, worker: LambdaWorker): number {
  const busyMs = workersOf(lane) * lane.durationMs;
  const price = worker.architecture === "arm64" ? "lambdaGbSecondArm64" : "lambdaGbSecondX86";
  bill.add("Lambda", `lane ${lane.lane}`, price, ((worker.memoryMb / 1_024) * busyMs) / 1_000);
  return Math.ceil(Math.max(lane.messages / worker.batchSize, busyMs / worker.timeoutMs));
}

function addTasks(bill: Bill, lane: LaneVolume, worker: FargateWorker): number {
  const tasks = workersOf(lane);
  const hours = (tasks * (lane.durationMs + FARGATE_IDLE_MS)) / HOUR_MS;
  const isArm = worker.architecture === "arm64";
  const share = worker.spot ? bill.usdOf("fargateSpotShare") : 1;
  const what = `lane ${lane.lane}`;
  const cpuPrice = isArm ? "fargateCpuHourArm64" : "fargateCpuHourX86";
  const gbPrice = isArm ? "fargateGbHourArm64" : "fargateGbHourX86";
  bill.add("Fargate", what, cpuPrice, (hours * worker.cpuUnits) / 1_024, share);
  bill.add("Fargate", what, gbPrice, (hours * worker.memoryMb) / 1_024, share);
  bill.add("VPC", `public addresses of lane ${lane.lane}`, "publicIpv4Hour", hours);
  bill.add("SQS", "renewed visibility", "sqsRequest", (tasks * lane.durationMs) / FARGATE_RENEW_MS);
  return 0;
}

/** Slots, start times, closed destinations, the control of runs, checkpoints. */
export function addCoordination(bill: Bill, lanes: readonly LaneVolume[]): void {
  let reads = 0;
  let writes = 0;
  for (const lane of lanes) {
    if (lane.calls === 0) continue;
    const workers = workersOf(lane);
    const seconds = (workers * lane.durationMs) / 1_000;
    reads += seconds * (READS_A_SECOND + (lane.hasRate ? READS_A_SECOND_FOR_RATE : 0));
    const lease = Math.max(1, workers / WORKERS_A_LEASE_KB);
    writes += seconds * (lease + OPEN_CHUNKS + (lane.hasRate ? WRITES_A_SECOND_FOR_RATE : 0));
    writes += lane.messages + lane.unsafe / UNSAFE_A_MARK;
    reads += lane.messages;
  }
  bill.add("DynamoDB", "coordination", "dynamoRead", reads);
  bill.add("DynamoDB", "coordination", "dynamoWrite", writes);
}
