import { Option } from "commander";
import type { Command } from "commander";
import { SenpuError } from "../../shared/errors.ts";
import type { CallFilter } from "../../shared/ledger/ledger.ts";
import { RANK, REASONS } from "../../shared/model/outcome.ts";
import type { CallState, Reason } from "../../shared/model/outcome.ts";

/** The filters that `calls`, `dlq` and `replay` share: their options, and what they mean. */

export const CALL_STATES = Object.keys(RANK) as readonly CallState[];

/**
 * Declares the filters. `--state` is also the common flag for the state folder: a call's state is taken as the filter,
 * anything else as the folder, and both may be given. (A folder of such a name is `--state ./failed`.)
 */
export function addCallFilterOptions(command: Command): void {
  command
    .option("--reason <reason>", `why they failed: ${REASONS.join(", ")}`)
    .option("--status <status>", "the last answer's HTTP status: 503, or 5xx for all of its class")
    .option("--lane <lane>", "of one lane")
    .option("--host <host>", "to one host, with its port where the URL has one")
    .option("--id <id>", "the call of this id")
    .option("--limit <n>", "at most so many");
  for (const owner of [command, command.parent]) {
    const option = owner?.options.find((each) => each.long === "--state");
    if (option === undefined) continue;
    option.argParser<string>((value, previous) => {
      if (!isCallState(value)) return value;
      command.setOptionValue("callState", value);
      return previous;
    });
  }
  const own = command.options.find((each) => each.long === "--state");
  if (own instanceof Option) own.description = `${CALL_STATES.join(", ")}; or the state folder`;
}

/** The filter that was asked for. Throws SenpuError `usage` that says what is right. */
export function readCallFilter(options: Readonly<Record<string, unknown>>): CallFilter {
  const text = (name: string): string | undefined => options[name] as string | undefined;
  const state = text("callState");
  const reason = text("reason");
  const status = text("status");
  const lane = text("lane");
  const host = text("host");
  const id = text("id");
  const limit = text("limit");
  return {
    ...(state !== undefined && { state: state as CallState }),
    ...(reason !== undefined && { reason: parseReason(reason) }),
    ...(status !== undefined && { status: parseStatus(status) }),
    ...(lane !== undefined && { lane }),
    ...(host !== undefined && { host: host.toLowerCase() }),
    ...(id !== undefined && { id }),
    ...(limit !== undefined && { limit: parseLimit(limit) }),
  };
}

/** A whole number from 1. Throws SenpuError `usage`. */
export function parseLimit(text: string): number {
  const limit = Number(text);
  if (!/^\d+$/.test(text) || limit < 1 || !Number.isSafeInteger(limit)) {
    throw new SenpuError("usage", `--limit ${text}: give a whole number from 1`);
  }
  return limit;
}

function parseReason(text: string): Reason {
  const reason = REASONS.find((each) => each === text.toLowerCase());
  if (reason === undefined) {
    throw new SenpuError("usage", `--reason ${text}: give one of ${REASONS.join(", ")}`);
  }
  return reason;
}

function parseStatus(text: string): { from: number; to: number } {
  const [, digit, rest] = /^([1-5])(\d\d|xx)$/i.exec(text) ?? [];
  if (digit === undefined || rest === undefined) {
    throw new SenpuError(
      "usage",
      `--status ${text}: give a status such as 503, or a class of them such as 5xx`,
    );
  }
  if (rest.toLowerCase() === "xx") {
    return { from: Number(digit) * 100, to: Number(digit) * 100 + 99 };
  }
  return { from: Number(text), to: Number(text) };
}

function isCallState(value: string): value is CallState {
  return Object.hasOwn(RANK, value);
}
