import type { WrittenLane } from "../../shared/config/limits-schema.ts";
import type { FieldPath, Issue } from "../../shared/document/issues.ts";
import { formatDuration } from "../../shared/duration.ts";
import type { Rate, Total } from "../../shared/model/lane.ts";
import type { LanesInForce } from "./merge-lanes.ts";

/** What a plan asks of lanes that are deployed. */
interface Asked {
  readonly lanes: readonly WrittenLane[];
  readonly total?: Total | undefined;
  readonly defaults: { readonly timeout: number; readonly deadline: number };
}

/**
 * Where a plan asks for more than the lanes that are deployed have: it may only tighten them, since others rely on what
 * they hold. Names both figures. Pure.
 */
export function loosenings(asked: Asked, config: LanesInForce): Issue[] {
  return [
    ...asked.lanes.flatMap((lane) => laneIssues(lane, config)),
    ...limitIssues(["total"], asked.total, config.total, `the total in ${config.shown}`),
    ...timeIssues(asked, config),
  ];
}

function laneIssues(lane: WrittenLane, config: LanesInForce): Issue[] {
  const path = ["lanes", lane.name];
  const deployed = config.lanes.find(({ name }) => name === lane.name);
  if (deployed === undefined) {
    const names = config.lanes.map(({ name }) => name).join(", ");
    return [{ path, text: `is not deployed; deployed are ${names} (${config.shown})` }];
  }
  const issues = limitIssues(path, lane, deployed, `lane ${lane.name} in ${config.shown}`);
  const fixed = [
    ...(lane.match.length === 0 ? [] : ["match"]),
    ...(lane.auth === undefined || deployed.auth === undefined ? [] : ["auth"]),
  ];
  return [
    ...fixed.map((field) => ({
      path: [...path, field],
      text: `is for ${config.shown} to say, as it is deployed; leave it out`,
    })),
    ...issues,
  ];
}

function limitIssues(
  path: FieldPath,
  asked: Total | undefined,
  deployed: Total | undefined,
  whose: string,
): Issue[] {
  const issues: Issue[] = [];
  const { concurrency = 0, rate } = asked ?? {};
  const { concurrency: most = Infinity, rate: fastest } = deployed ?? {};
  if (concurrency > most) {
    issues.push({
      path: [...path, "concurrency"],
      text: `${concurrency} is more than ${whose} has, ${most}; at most that`,
    });
  }
  if (rate === undefined || fastest === undefined) return issues;
  if (rate.count / rate.perMs > fastest.count / fastest.perMs) {
    issues.push({
      path: [...path, "rate"],
      text: `${formatRate(rate)} is faster than ${whose}, ${formatRate(fastest)}; at most that`,
    });
  }
  const { burst = 1 } = rate;
  if (burst > (fastest.burst ?? 1)) {
    issues.push({
      path: [...path, "burst"],
      text: `${burst} is more than ${whose} has, ${fastest.burst ?? 1}; at most that`,
    });
  }
  return issues;
}

/** Which lanes its calls will take is not known before they are read: so the roomiest lane's time, the shortest queue's. */
function timeIssues({ defaults }: Asked, { lanes, shown }: LanesInForce): Issue[] {
  const issues: Issue[] = [];
  const roomiest = lanes.reduce((a, b) => (b.timeoutMs > a.timeoutMs ? b : a));
  if (defaults.timeout > roomiest.timeoutMs) {
    issues.push({
      path: ["defaults", "timeout"],
      text: `${formatDuration(defaults.timeout)} is longer than any lane gives a call in ${shown}, ${formatDuration(roomiest.timeoutMs)} at the most`,
    });
  }
  const shortest = lanes.reduce((a, b) =>
    b.queue.retentionSeconds < a.queue.retentionSeconds ? b : a,
  );
  const retentionMs = shortest.queue.retentionSeconds * 1_000;
  if (defaults.deadline > retentionMs) {
    issues.push({
      path: ["defaults", "deadline"],
      text: `${formatDuration(defaults.deadline)} is longer than lane ${shortest.name} keeps a message in ${shown}, ${formatDuration(retentionMs)}; at most that`,
    });
  }
  return issues;
}

function formatRate({ count, perMs }: Rate): string {
  return `${count}/${formatDuration(perMs).slice(1)}`;
}
