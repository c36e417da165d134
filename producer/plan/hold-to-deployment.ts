import type { Deployment } from "../../shared/deployment/deployment.ts";
import type { Lane, Rate, Total } from "../../shared/model/lane.ts";
import { boundLane } from "./assemble.ts";
import type { Plan } from "./plan.ts";

/**
 * The plan within the limits of the lanes that are deployed, whoever wrote its own: those of a run that was begun before
 * they were tightened, of a replay whose runs no ledger knows, of `senpu resume --rate`. A lane that is not deployed is
 * left as it is; the broker refuses it. Pure.
 */
export function holdToDeployment(plan: Plan, { lanes, total }: Deployment): Plan {
  const deployed = new Map(lanes.map((lane) => [lane.name, lane]));
  const held = plan.lanes.map((lane): Lane => {
    const most = deployed.get(lane.name);
    return most === undefined ? lane : { ...boundLane(lane, most), ...burstOf(lane, most) };
  });
  return {
    ...plan,
    lanes: held,
    ...(total === undefined ? {} : { total: within(plan.total, total) }),
  };
}

/** A rate that is no faster may still begin with more at once. */
function burstOf({ rate }: Lane, most: Lane): { readonly rate?: Rate } {
  if (rate === undefined || most.rate === undefined || isFaster(rate, most.rate)) return {};
  const burst = Math.min(rate.burst ?? 1, most.rate.burst ?? 1);
  return { rate: { count: rate.count, perMs: rate.perMs, ...(burst === 1 ? {} : { burst }) } };
}

function within(asked: Total | undefined, most: Total): Total {
  const { concurrency = Infinity, rate } = asked ?? {};
  const least = Math.min(concurrency, most.concurrency ?? Infinity);
  const slower = rate === undefined || (most.rate && isFaster(rate, most.rate)) ? most.rate : rate;
  return {
    ...(least === Infinity ? {} : { concurrency: least }),
    ...(slower === undefined ? {} : { rate: slower }),
  };
}

function isFaster(rate: Rate, than: Rate): boolean {
  return rate.count / rate.perMs > than.count / than.perMs;
}
