import { z } from "zod";
import { Fault, notAllowed } from "../document/fault.ts";
import {
  addFault,
  check,
  closedObject,
  memoryMb,
  wholeNumber,
  wholeSeconds,
} from "../document/scalars.ts";
import { formatDuration } from "../duration.ts";
import { architecture } from "./architecture.ts";
import type { Architecture } from "./architecture.ts";

/** Containers that poll a lane's queue. */
export interface FargateWorker {
  readonly kind: "fargate";
  /** 1024 are one vCPU. */
  readonly cpuUnits: number;
  readonly memoryMb: number;
  readonly minTasks: number;
  readonly maxTasks: number;
  /** Messages waiting for each task: more of them, and tasks are added. */
  readonly backlogPerTask: number;
  /** Cheaper, and ended by AWS whenever it likes: what it held is made by another then. */
  readonly spot: boolean;
  readonly architecture: Architecture;
  /** From SIGTERM until AWS kills a task; whole seconds. */
  readonly graceMs: number;
}

/** Source: ECS API reference, ContainerDefinition: stopTimeout, on Fargate. */
const MAX_GRACE_MS = 120_000;
const MIN_GRACE_MS = 2_000;
/** A worker's own patience with calls in flight; AWS's default too. */
const USUAL_GRACE_MS = 30_000;
/** For telling, and for handing back what was not begun, after the last call has ended. */
const TELL_MS = 10_000;
/** Source: ECS service quotas, tasks of a service. */
const MAX_TASKS = 5_000;
const GB = 1_024;

interface Size {
  readonly right: string;
  readonly leastMb: number;
  fits(mb: number): boolean;
}

const between = (minGb: number, maxGb: number, stepGb: number): Size => ({
  right: `${minGb}GB to ${maxGb}GB in steps of ${stepGb}GB`,
  leastMb: minGb * GB,
  fits: (mb) => mb >= minGb * GB && mb <= maxGb * GB && mb % (stepGb * GB) === 0,
});

/** Memory that goes with so many vCPUs. Source: ECS developer guide, "Task CPU and memory". */
const SIZES: ReadonlyMap<number, Size> = new Map([
  [
    0.25,
    { right: "512MB, 1GB or 2GB", leastMb: 512, fits: (mb) => [512, GB, 2 * GB].includes(mb) },
  ],
  [0.5, between(1, 4, 1)],
  [1, between(2, 8, 1)],
  [2, between(4, 16, 1)],
  [4, between(8, 30, 1)],
  [8, between(16, 60, 4)],
  [16, between(32, 120, 8)],
]);
const LEAST_MEMORY_MB = 512;
const MOST_MEMORY_MB = 120 * GB;

const CPU_RIGHT = "vCPUs as Fargate has them: 0.25, 0.5, 1, 2, 4, 8 or 16";

const cpu = z.number({ error: CPU_RIGHT }).transform((cpu, context) =>
  check(context, cpu, () => {
    if (SIZES.has(cpu)) return cpu;
    throw new Fault(notAllowed(cpu, CPU_RIGHT));
  }),
);

const tasks = closedObject({
  min: wholeNumber(0, MAX_TASKS)
    .default(0)
    .meta({ description: "Run when there is nothing to do." }),
  max: wholeNumber(1, MAX_TASKS)
    .default(2)
    .meta({ description: "Run at the most, whatever the backlog." }),
}).transform((bounds, context) => {
  const { min, max } = bounds;
  if (min > max) addFault(context, min, ["min"], `${min} is more than max, ${max}; a smaller one`);
  return bounds;
});

/** What is not written follows from the lane. */
export const fargateSchema = closedObject({
  cpu: cpu.prefault(0.25).meta({ description: CPU_RIGHT }),
  memory: memoryMb(LEAST_MEMORY_MB, MOST_MEMORY_MB)
    .optional()
    .meta({ description: "Default: the least that goes with the vCPUs, 512MB with 0.25." }),
  tasks: tasks.prefault({}).meta({ description: "How many there are." }),
  backlog: wholeNumber(1, 100_000)
    .default(20)
    .meta({ description: "Messages waiting for each task; more of them, and tasks are added." }),
  spot: z
    .boolean({ error: "true or false" })
    .default(false)
    .meta({ description: "On Spot: cheaper, and ended by AWS whenever it likes." }),
  architecture,
  grace: wholeSeconds(MIN_GRACE_MS, MAX_GRACE_MS).optional().meta({
    description:
      "From SIGTERM until AWS kills a task, at most 2m. Default: what the lane's timeout needs.",
  }),
}).transform((written, context) => {
  const { cpu, memory } = written;
  const size = SIZES.get(cpu);
  if (memory !== undefined && size?.fits(memory) === false) {
    addFault(
      context,
      memory,
      ["memory"],
      `${memory}MB does not go with ${cpu} vCPU on Fargate; ${size.right}`,
    );
  }
  return { kind: "fargate" as const, ...written, leastMb: size?.leastMb ?? LEAST_MEMORY_MB };
});

/** A phrase of what a lane asks for that a task cannot do; undefined: nothing. */
export function fargateFault(
  { grace }: z.output<typeof fargateSchema>,
  laneTimeoutMs: number,
): string | undefined {
  const neededMs = graceFor(laneTimeoutMs);
  if (grace === undefined || grace >= neededMs) return undefined;
  return `${formatDuration(grace)} is too short for a call of ${formatDuration(laneTimeoutMs)} (the lane's timeout) to end; at least ${formatDuration(neededMs)}`;
}

export function completeFargate(
  written: z.output<typeof fargateSchema>,
  lane: { readonly timeoutMs: number },
): FargateWorker {
  return {
    kind: "fargate",
    cpuUnits: written.cpu * 1_024,
    memoryMb: written.memory ?? written.leastMb,
    minTasks: written.tasks.min,
    maxTasks: written.tasks.max,
    backlogPerTask: written.backlog,
    spot: written.spot,
    architecture: written.architecture,
    graceMs: written.grace ?? Math.max(USUAL_GRACE_MS, graceFor(lane.timeoutMs)),
  };
}

/** A call that takes longer than AWS waits is given up when the task ends. */
function graceFor(laneTimeoutMs: number): number {
  return Math.min(MAX_GRACE_MS, Math.ceil((laneTimeoutMs + TELL_MS) / 1_000) * 1_000);
}
