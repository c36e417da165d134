import { ok, problem, warning } from "../../shared/finding.ts";
import type { Finding } from "../../shared/finding.ts";
import { formatQuantity } from "../../shared/terminal/format.ts";

/** What ECS tells of a service, as far as it is looked at. Source: ECS API reference, Service and Deployment. */
export interface Service {
  readonly status?: string;
  readonly desiredCount?: number;
  readonly runningCount?: number;
  readonly deployments?: readonly {
    readonly status?: string;
    /** `COMPLETED`, `FAILED` or `IN_PROGRESS`. */
    readonly rolloutState?: string;
    readonly rolloutStateReason?: string;
  }[];
}

/** Source: ECS API reference, Task. */
export interface StoppedTask {
  readonly stopCode?: string;
  readonly stoppedReason?: string;
  /** Seconds since 1970. */
  readonly stoppedAt?: number;
  readonly containers?: readonly { readonly exitCode?: number; readonly reason?: string }[];
}

/** Whose service it is, and what it may run. */
export interface ServicePlace {
  readonly lane: string;
  readonly arn: string;
  readonly region: string;
  /** The line that deploys it again. */
  readonly again: string;
  /** Of its autoscaling. */
  readonly bounds: { readonly least: number; readonly most: number };
}

/** What stops a task without anything being wrong: fewer are wanted, a deployment, Spot, a person. */
const USUAL_STOPS = new Set(["ServiceSchedulerInitiated", "SpotInterruption", "UserInitiated"]);

/** What is not well with a lane's service; one line that all is, where nothing is. Pure. */
export function judgeService(
  name: string,
  place: ServicePlace,
  service: Service,
  stopped: readonly StoppedTask[],
): Finding[] {
  const { lane, arn, region, again, bounds } = place;
  const { status = "unknown", desiredCount = 0, runningCount = 0, deployments = [] } = service;
  const events = `aws ecs describe-services --region ${region} --cluster ${arn.split("/")[1]} --services ${arn.split("/").at(-1)} tells its events`;
  const findings: Finding[] = [];
  if (status !== "ACTIVE") {
    findings.push(
      problem(name, `lane ${lane}: its service is ${status}`, `to deploy it: ${again}`),
    );
  }
  const failed = deployments.find(({ rolloutState }) => rolloutState === "FAILED");
  // The circuit breaker goes back by another deployment, whose reason says so.
  const back = deployments.find(({ rolloutStateReason = "" }) =>
    /\broll(ing|ed) back\b/i.test(rolloutStateReason),
  );
  const bad = failed ?? back;
  if (bad !== undefined) {
    const what = back === undefined ? "failed" : "failed, and was taken back";
    const why = back?.rolloutStateReason ?? failed?.rolloutStateReason ?? "ECS gives no reason";
    findings.push(problem(name, `lane ${lane}: its last deployment ${what}: ${why}`, events));
  }
  if (desiredCount < bounds.least || desiredCount > bounds.most) {
    findings.push(
      warning(
        name,
        `lane ${lane}: ${formatQuantity(desiredCount, "task")} wanted, and its autoscaling has ${bounds.least} to ${bounds.most}`,
        `somebody set it by hand, or senpu.config.yaml says otherwise since; to deploy it: ${again}`,
      ),
    );
  }
  const reason = lastFault(stopped);
  if (runningCount < desiredCount) {
    const found = `lane ${lane}: ${runningCount} of ${formatQuantity(desiredCount, "task")} run`;
    // Some are on their way after each change; none at all, with one that ended badly, is another thing.
    findings.push(
      runningCount === 0 && reason !== undefined
        ? problem(name, found, events)
        : warning(name, found, `look again in some minutes; ${events}`),
    );
  }
  if (reason !== undefined) {
    findings.push(
      warning(
        name,
        `lane ${lane}: a task stopped within the last hour: ${reason}`,
        "its log tells more, unless it never started",
      ),
    );
  }
  if (findings.length > 0) return findings;
  const found = `lane ${lane}: ${formatQuantity(runningCount, "task")} run, as wanted; its autoscaling has ${bounds.least} to ${bounds.most}`;
  return [ok(name, found)];
}

/** Of the task that stopped last because something was wrong. */
function lastFault(stopped: readonly StoppedTask[]): string | undefined {
  const last = stopped
    .filter(({ stopCode = "" }) => !USUAL_STOPS.has(stopCode))
    .toSorted((a, b) => (b.stoppedAt ?? 0) - (a.stoppedAt ?? 0))
    .at(0);
  if (last === undefined) return undefined;
  const { stoppedReason = "ECS gives no reason", containers = [] } = last;
  const told = containers.flatMap(({ exitCode, reason }) => [
    ...(exitCode === undefined ? [] : [`exit code ${exitCode}`]),
    ...(reason === undefined ? [] : [reason]),
  ]);
  return `${stoppedReason}${told.length === 0 ? "" : ` (${told.join(", ")})`}`;
}
