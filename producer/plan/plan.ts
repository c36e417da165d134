import type { Broker } from "../../shared/broker/broker.ts";
import type { Call } from "../../shared/model/call.ts";
import type { Lane, Total } from "../../shared/model/lane.ts";
import type { InvalidCall } from "../../shared/model/message.ts";
import type { OnSettled } from "../../shared/model/on-settled.ts";
import type { Policy } from "../../shared/model/policy.ts";
import type { SecretName } from "../../shared/secrets/references.ts";
import type { LaneOrigin } from "./merge-lanes.ts";

/**
 * A plan that has been read, validated and given its defaults; frozen.
 *
 * In (`readPlan`): a file, standard input or an object. Out: settings, and calls as a stream that can be read again.
 */
export interface Plan {
  readonly name: string;
  /** In order of matching; the last is always `default`, which takes the rest. */
  readonly lanes: readonly Lane[];
  /** Who says what each lane is, where that is known. */
  readonly laneOrigins?: Readonly<Record<string, LaneOrigin>>;
  /** Over all lanes together; absent: no limit but theirs. */
  readonly total?: Total;
  readonly policy: PlanPolicy;
  readonly deadlineMs: number;
  /** Share of failed calls, 0–1, past which the run stops; null: never. */
  readonly tolerance: number | null;
  /** Absent: nothing. */
  readonly onSettled?: OnSettled;
  readonly source: PlanSource;
  /** Calls known without reading any rows; null when rows follow, whose number is not known before. */
  readonly knownCalls: number | null;
  /** Secrets that the plan's own text refers to, `env:NAME` and so on; of a plan that is only calls, not known before. Absent: none. */
  readonly secrets?: readonly SecretName[];
  /**
   * All calls, in the same order and with the same ids each time: in batches, so that reading costs no promise a call.
   * Reads on only as fast as it is asked; memory does not grow with the number of rows.
   */
  entries(): AsyncIterable<readonly PlanEntry[]>;
  /** What is left to do once every call has been published; safe to repeat. */
  afterPublished?(broker: Broker): Promise<void>;
  /** Removes what was fetched for reading, which else goes with this process. Nothing is read from it any more. */
  release?(): Promise<void>;
}

/** Without `deadlineAt`, which counts from the first publishing. */
export type PlanPolicy = Omit<Policy, "deadlineAt">;

export type PlanEntry =
  | {
      readonly call: Call;
      readonly lane: string;
      /** Absent: the plan's. Calls that share one share the object. */
      readonly policy?: PlanPolicy;
    }
  /** A row that is no call: planned and failed as `invalid` at once. */
  | { readonly invalid: InvalidCall };

/** Where a plan came from, enough to read it again and to notice that it has changed. Stored with the run. */
export interface PlanSource {
  /** Absolute path of the plan: the file, or the copy that was made of standard input. */
  readonly path: string;
  /** What the person named, for messages: `plan.yaml`, or `-`. */
  readonly shown: string;
  /** SHA-256 of the plan's bytes, hex. */
  readonly digest: string;
  /** What `from` names, when there is one: an absolute path, or a URL without its query. */
  readonly rows?: { readonly path: string; readonly digest: string };
  /** Of a replay, whose calls were chosen from letters. */
  readonly replay?: ReplaySource;
}

export interface ReplaySource {
  /** The runs whose calls are made again. */
  readonly of: readonly string[];
  /** What was asked for, as text: the same command goes on with the same replay while that has not ended. */
  readonly request: string;
}
