import type { CallFilter } from "../../shared/ledger/ledger.ts";
import type { PlanOverrides } from "../plan/assemble.ts";
import type { Assignment } from "./assignment.ts";

/** What is to be made again, and how. */
export interface ReplayRequest {
  /** Id of the run whose failed calls are made again; undefined: whatever lies in the lane. */
  readonly of: string | undefined;
  readonly filter: CallFilter;
  readonly assignments: readonly Assignment[];
  /** Has a person edit the chosen calls. */
  readonly edit: boolean;
  /** Internal hosts and CIDR ranges, in addition to those of each call's own run. */
  readonly allow: readonly string[];
  /** Rate and concurrency are upper bounds: a lane that is lower stays so. */
  readonly overrides: PlanOverrides;
}

/** The same for the same choice: what makes a second command go on with the replay that the first began. */
export function nameRequest({ of, filter, assignments, edit }: ReplayRequest): string {
  const sets = assignments.map(({ text }) => text);
  return JSON.stringify({ of: of ?? null, filter, sets, edit });
}

/** For a person: `replay of 20261122t… --status 503`. */
export function describeRequest({ of, filter, assignments, edit }: ReplayRequest): string {
  const { status, ...plain } = filter;
  const words = Object.entries(plain).map(([name, value]) => `--${name} ${String(value)}`);
  if (status !== undefined) {
    words.push(`--status ${status.from === status.to ? status.from : `${status.from / 100}xx`}`);
  }
  words.push(...assignments.map(({ text }) => `--set ${text}`), ...(edit ? ["--edit"] : []));
  return ["replay", ...(of === undefined ? [] : [`of ${of}`]), ...words].join(" ");
}
