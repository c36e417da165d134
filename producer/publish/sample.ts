import type { Outgoing } from "../../shared/broker/broker.ts";
import type { Sample } from "../../shared/command.ts";
import { SenpuError } from "../../shared/errors.ts";
import { SQS_MAX_BATCH_ENTRIES } from "../../shared/limits.ts";
import type { Plan } from "../plan/plan.ts";
import { chunkCalls } from "./chunk-size.ts";
import { lanePolicy } from "./lane-policy.ts";
import { Packer } from "./pack.ts";
import type { PackedChunk } from "./pack.ts";

/**
 * The first messages that a run of the plan would publish for the lane of its first call; sends nothing. `now`: epoch
 * milliseconds. Throws {@link SenpuError} `plan` when it has no call that can be made.
 */
export async function sampleMessages(plan: Plan, run: string, now: number): Promise<Sample> {
  const policy = { ...plan.policy, deadlineAt: now + plan.deadlineMs };
  const messages: Outgoing[] = [];
  let lane: string | undefined;
  let packer: Packer | undefined;
  let packed = 0;
  const keep = (chunk: PackedChunk | "too large" | undefined): void => {
    if (chunk === undefined || chunk === "too large" || lane === undefined) return;
    messages.push({ body: chunk.body, attributes: { kind: "calls", lane, run } });
  };
  for await (const entries of plan.entries()) {
    for (const entry of entries) {
      if ("invalid" in entry || (lane !== undefined && entry.lane !== lane)) continue;
      lane = entry.lane;
      const name = lane;
      const found = plan.lanes.find((known) => known.name === name);
      packer ??= new Packer(
        { run, generation: 1, lane, policy: lanePolicy(policy, found ?? {}) },
        () => String(messages.length),
      );
      if (found !== undefined) keep(packer.add(entry.call, chunkCalls(packed++, found)));
      if (messages.length === SQS_MAX_BATCH_ENTRIES) return { lane, messages };
    }
  }
  keep(packer?.take());
  if (lane === undefined || messages.length === 0) {
    throw new SenpuError("plan", `${plan.source.shown}: it has no call that can be made`);
  }
  return { lane, messages };
}
