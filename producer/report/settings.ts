import { formatDuration } from "../../shared/duration.ts";
import type { RunRow } from "../../shared/ledger/ledger.ts";
import type { Lane, Rate, Total } from "../../shared/model/lane.ts";
import type { Backoff, RetryCause } from "../../shared/model/policy.ts";
import { hostOf } from "../../shared/model/host.ts";
import { settingsOf, sourceOf } from "../run/begin-run.ts";
import type { RunSettings } from "../run/begin-run.ts";
import type { LimitData, SettingData } from "./report-data.ts";
import { showText } from "./show-text.ts";

/**
 * What a run was told to do, in words. Values of headers, the address of a webhook beyond its host, and a command's
 * words stay out: any of them may be a credential.
 */
export function describeSettings(row: RunRow): SettingData[] {
  const settings = readSettings(row);
  const { policy } = settings;
  const said: [string, string | undefined][] = [
    ["plan", describeSource(row)],
    ["replays", row.parent ?? undefined],
    ["tolerance", row.tolerance === null ? "any number may fail" : percent(row.tolerance)],
    [
      "deadline",
      settings.deadlineMs === undefined ? undefined : formatDuration(settings.deadlineMs),
    ],
    ["timeout", policy && `${formatDuration(policy.timeoutMs)} an attempt`],
    ["attempts", policy && `at most ${policy.retry.attempts}`],
    ["backoff", policy && describeBackoff(policy.retry.backoff)],
    ["tried again", policy && listCauses(policy.retry.on)],
    ...(policy?.retry.rules ?? []).map(({ on, attempts, backoff }): [string, string] => [
      `rule for ${listCauses(on)}`,
      [
        attempts === null ? "until the deadline" : `at most ${attempts} failures`,
        ...(backoff === undefined ? [] : [describeBackoff(backoff)]),
      ].join(" · "),
    ]),
    [
      "POST and PATCH",
      policy &&
        (policy.retry.unsafe
          ? "repeated after an unknown result"
          : "not repeated after an unknown result"),
    ],
    ["success", policy?.success.join(", ")],
    ["redirects", policy && `at most ${policy.redirects}`],
    ["headers", policy && listNames(Object.keys(policy.headers))],
    ["internal addresses", policy && listNames(policy.allow)],
    ["at the end", describeEnd(settings.onSettled)],
  ];
  return said.flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [{ name: showText(name), value: showText(value) }],
  );
}

/** Limits by lane, as the run was begun with them, and those over all lanes. */
export function readLimits(row: RunRow): {
  readonly lanes: ReadonlyMap<string, LimitData>;
  readonly total: LimitData | null;
} {
  const { lanes = [], total } = readSettings(row);
  return {
    lanes: new Map(lanes.map((lane) => [lane.name, limitOf(lane)])),
    total:
      total === undefined || (total.concurrency === undefined && total.rate === undefined)
        ? null
        : limitOf(total),
  };
}

/** Another senpu may have stored the run; what it said that way is left out. */
function readSettings(row: RunRow): RunSettings {
  try {
    return settingsOf(row);
  } catch {
    return {};
  }
}

function limitOf(limits: Total & Partial<Pick<Lane, "minConcurrency">>): LimitData {
  return {
    concurrency: limits.concurrency ?? null,
    minConcurrency: limits.minConcurrency ?? null,
    rate: limits.rate ?? null,
  };
}

const UNITS: Readonly<Record<number, string>> = { 1_000: "s", 60_000: "m", 3_600_000: "h" };

/** `20/s`, as plans write it. */
export function describeRate({ count, perMs, burst }: Rate): string {
  const rate = `${count}/${UNITS[perMs] ?? formatDuration(perMs)}`;
  return burst === undefined || burst === 1 ? rate : `${rate} in bursts of ${burst}`;
}

function describeSource(row: RunRow): string | undefined {
  try {
    const { shown, rows } = sourceOf(row);
    if (typeof shown !== "string") return undefined;
    return rows === undefined ? shown : `${shown} with rows of ${rows.path}`;
  } catch {
    return undefined;
  }
}

function describeBackoff({ firstMs, factor, maxMs, jitter }: Backoff): string {
  const words = `${formatDuration(firstMs)}, ×${factor} each time, at most ${formatDuration(maxMs)}`;
  return jitter === "full" ? `${words}, of which a random part` : words;
}

function listCauses(causes: readonly RetryCause[]): string {
  return causes.length === 0 ? "nothing" : causes.join(", ");
}

function listNames(names: readonly string[]): string {
  return names.join(", ");
}

function describeEnd(onSettled: RunSettings["onSettled"]): string | undefined {
  if (onSettled === undefined) return undefined;
  const ways = [
    onSettled.webhook === undefined ? undefined : `a webhook to ${hostOf(onSettled.webhook)}`,
    onSettled.command === undefined ? undefined : "a command",
  ];
  return ways.filter((way) => way !== undefined).join(" and ");
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(2))} % may fail`;
}
