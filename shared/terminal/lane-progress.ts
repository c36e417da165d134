import type { Binding, LaneActivity } from "../command.ts";
import { formatDuration, formatRate } from "./format.ts";
import type { LaneProgress } from "./render-progress.ts";

/** A lane's activity as progress shows it, `now` in epoch milliseconds. */
export function toLaneProgress({ binding, ...lane }: LaneActivity, now: number): LaneProgress {
  if (binding === undefined) return lane;
  const words = describeBinding(binding, now);
  if (words === undefined) return lane;
  return isTrouble(binding) ? { ...lane, note: words } : { ...lane, bound: words };
}

/** What keeps more calls from starting, in few words; undefined: nothing does, or the numbers in flight say it. */
function describeBinding(binding: Binding, now: number): string | undefined {
  switch (binding.by) {
    case "total":
      return "total of all lanes";
    case "coordination":
      return "coordination out of reach";
    case "credentials":
      return "waiting for credentials";
    case "rate":
      return `rate ${formatRate((binding.rate.count * 1000) / binding.rate.perMs)}`;
    case "window":
      return `window ${binding.window} of ${hostOf(binding.origin)}`;
    case "closed":
    case "breaker":
      return `${describeClosed(binding.until, now)}: ${binding.cause}`;
    case "nothing":
    case "concurrency":
    default:
      return undefined;
  }
}

/** `closed 12 s`, `closed, probing` */
export function describeClosed(until: number, now: number): string {
  return until > now ? `closed ${formatDuration(until - now)}` : "closed, probing";
}

/** The origin without what a person takes for granted. */
export function hostOf(origin: string): string {
  return origin.replace(/^https?:\/\//, "");
}

function isTrouble({ by }: Binding): boolean {
  return by === "closed" || by === "breaker" || by === "coordination" || by === "credentials";
}

/** Of workers of one lane, the one that says most of why it goes no faster. */
const TELLING: readonly Binding["by"][] = [
  "nothing",
  "concurrency",
  "total",
  "rate",
  "window",
  "credentials",
  "breaker",
  "closed",
  "coordination",
];

export function moreTelling(
  one: Binding | undefined,
  other: Binding | undefined,
): Binding | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return TELLING.indexOf(other.by) > TELLING.indexOf(one.by) ? other : one;
}
