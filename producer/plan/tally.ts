import { CHUNK_MAX_BYTES } from "../../shared/limits.ts";
import { withClaim } from "../../shared/claims/claimed-call.ts";
import { isUnsafe } from "../../shared/model/call.ts";
import type { Call } from "../../shared/model/call.ts";
import { MAX_CLAIM_BYTES } from "../../shared/model/claim.ts";
import type { Claim } from "../../shared/model/claim.ts";
import type { Lane } from "../../shared/model/lane.ts";
import { chunkCalls } from "../publish/chunk-size.ts";
import { lanePolicy } from "../publish/lane-policy.ts";
import { Packer } from "../publish/pack.ts";
import type { PackedChunk } from "../publish/pack.ts";
import type { Plan, PlanEntry, PlanPolicy } from "./plan.ts";
import type { OriginSurvey } from "./survey.ts";

/** Origins of a lane that are counted apart; a file of URLs may have a million. */
const MAX_ORIGINS = 1_000;
/** Stands where a claim would, as long as one. */
const CLAIM: Claim = { store: "s3", run: "0".repeat(22), bytes: 100_000, sha256: "0".repeat(64) };

type PlannedEntry = Extract<PlanEntry, { readonly call: Call }>;

/**
 * What a lane's calls come to, packed as a run would pack them, without a run.
 * In: its calls, in order. Out: counts; memory does not grow with the number of calls.
 */
export class Tally {
  readonly lane: Lane;
  readonly #plan: Plan;
  readonly #deadlineAt: number;
  readonly #packers = new Map<PlanPolicy | undefined, Packer>();
  readonly #origins = new Map<string, number>();
  calls = 0;
  messages = 0;
  bytes = 0;
  unsafe = 0;
  claims = 0;
  claimBytes = 0;
  timeoutMs = 0;

  constructor(plan: Plan, lane: Lane) {
    this.#plan = plan;
    this.lane = lane;
    this.#deadlineAt = Date.now() + plan.deadlineMs;
  }

  /** Says why, when the call cannot be made. */
  add({ call, policy }: PlannedEntry): string | undefined {
    const packer = this.#packerOf(policy);
    const maxCalls = chunkCalls(this.calls, this.lane);
    this.calls++;
    let chunk = packer.add(call, maxCalls);
    if (chunk === "too large") {
      const bytes = Buffer.byteLength(JSON.stringify(call));
      if (bytes > MAX_CLAIM_BYTES) {
        return `call ${call.id} has ${bytes} bytes; at most ${MAX_CLAIM_BYTES}`;
      }
      this.claims++;
      this.claimBytes += bytes;
      chunk = packer.add(withClaim(call, CLAIM), maxCalls);
    }
    if (chunk === "too large") {
      return `the plan's own headers leave no room in a message of ${CHUNK_MAX_BYTES.toLocaleString("en")} bytes`;
    }
    if (chunk !== undefined) this.#note(chunk);
    const timeoutMs = call.timeoutMs ?? (policy ?? this.#plan.policy).timeoutMs;
    if (timeoutMs > this.timeoutMs) this.timeoutMs = timeoutMs;
    if (isUnsafe(call.method ?? "GET")) this.unsafe++;
    this.#countOrigin(call.url);
    return undefined;
  }

  /** Messages and their bytes, those that are not full included. Call once, at the end. */
  finish(): { readonly messages: number; readonly bytes: number } {
    for (const packer of this.#packers.values()) {
      const rest = packer.take();
      if (rest !== undefined) this.#note(rest);
    }
    return { messages: this.messages, bytes: this.bytes };
  }

  get origins(): OriginSurvey[] {
    return [...this.#origins]
      .map(([origin, calls]) => ({ origin, calls }))
      .sort((a, b) => b.calls - a.calls);
  }

  #note({ bytes }: PackedChunk): void {
    this.messages++;
    this.bytes += bytes;
  }

  #packerOf(own: PlanPolicy | undefined): Packer {
    const known = this.#packers.get(own);
    if (known !== undefined) return known;
    const whole = own ?? lanePolicy(this.#plan.policy, this.lane);
    const policy = { ...whole, deadlineAt: this.#deadlineAt };
    const frame = { run: CLAIM.run, generation: 1, lane: this.lane.name, policy };
    const packer = new Packer(frame, () => "0");
    this.#packers.set(own, packer);
    return packer;
  }

  #countOrigin(url: string): void {
    const path = url.indexOf("/", "https://".length);
    const origin = path === -1 ? url : url.slice(0, path);
    const count = this.#origins.get(origin);
    if (count !== undefined) this.#origins.set(origin, count + 1);
    else if (this.#origins.size < MAX_ORIGINS) this.#origins.set(origin, 1);
  }
}
