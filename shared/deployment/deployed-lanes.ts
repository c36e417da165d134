import type { Config, LaneConfig } from "../config/config.ts";
import type { Total } from "../model/lane.ts";
import { LANES_OUTPUT } from "./outputs.ts";

/**
 * The lanes of a deployment, as its stack tells them: what is deployed holds, whatever `senpu.config.yaml` says on the
 * machine that asks.
 */
export interface DeployedLanes {
  /** In order of matching; the last is always `default`, which takes the rest. */
  readonly lanes: readonly LaneConfig[];
  /** Over all lanes together; absent: no limit but theirs. */
  readonly total?: Total;
}

/** An output's value may not be long, and a configuration may be. */
const PIECE_CHARS = 1_000;

/** The outputs that tell a configuration's lanes, by name. */
export function toLaneOutputs({ lanes, total }: Config): Map<string, string> {
  const told: DeployedLanes = { lanes, ...(total === undefined ? {} : { total }) };
  const text = JSON.stringify(told);
  const pieces = new Map<string, string>();
  for (let at = 0; at < text.length; at += PIECE_CHARS) {
    pieces.set(`${LANES_OUTPUT}${pieces.size + 1}`, text.slice(at, at + PIECE_CHARS));
  }
  return pieces;
}

/** Undefined where they tell of none, or of something else. */
export function fromLaneOutputs(outputs: ReadonlyMap<string, string>): DeployedLanes | undefined {
  let text = "";
  for (let index = 1; ; index++) {
    const piece = outputs.get(`${LANES_OUTPUT}${index}`);
    if (piece === undefined) break;
    text += piece;
  }
  try {
    const told = JSON.parse(text) as Partial<DeployedLanes>;
    return Array.isArray(told.lanes) ? (told as DeployedLanes) : undefined;
  } catch {
    return undefined;
  }
}
