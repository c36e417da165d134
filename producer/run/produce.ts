import type { Ledger } from "../../shared/ledger/ledger.ts";
import type { WorkSession } from "../../shared/session.ts";
import { log } from "../../shared/log/log.ts";
import type { Policy } from "../../shared/model/policy.ts";
import { traceFields } from "../../shared/model/trace.ts";
import { boundLane } from "../plan/assemble.ts";
import type { Plan, PlanEntry } from "../plan/plan.ts";
import { Publisher } from "../publish/publisher.ts";

export interface ProduceOptions {
  /** Without a ledger there is one generation. */
  readonly session: Publishing;
  readonly plan: Plan;
  readonly run: string;
  /** From the second on, calls that have an outcome are passed over. */
  readonly generation: number;
  readonly signal: AbortSignal;
  /** As in {@link Publisher}'s options: for a producer that does not wait until the calls are made. */
  readonly bytesOnly?: boolean;
  readonly onPlanned?: (planned: number) => void;
}

type Publishing = Pick<WorkSession, "broker" | "claims" | "coordination" | "folder"> & {
  readonly ledger: Pick<Ledger, "known"> | undefined;
};

/**
 * Reads the plan's calls and publishes them, then the closing record. Resolves with how many were planned; when the
 * signal aborts, with what was read until then and without a closing record.
 */
export async function produce(options: ProduceOptions): Promise<number> {
  const { session, plan, run, generation, signal } = options;
  const policy: Policy = { ...plan.policy, deadlineAt: Date.now() + plan.deadlineMs };
  const publisher = new Publisher({
    broker: session.broker,
    claims: session.claims,
    run,
    generation,
    policy,
    // What all lanes together may do, no lane does more of.
    lanes: plan.lanes.map((lane) => boundLane(lane, plan.total ?? {})),
    bytesOnly: options.bytesOnly,
    spillDir: session.folder.spool,
    signal,
  });
  log.info?.({ run, generation, ...traceFields(plan.policy.trace, run) }, "calls are published");
  try {
    // A crash leaves a result unknown; what may have been started is repeated only if the plan says so.
    const unseen = generation > 1 ? await session.coordination.startedUnsafe(run) : NONE;
    for await (const entries of plan.entries()) {
      if (signal.aborted) break;
      const settled = generation > 1 ? await settledOf(session, run, entries) : NONE;
      await publisher.add(entries, { settled, unseen });
      options.onPlanned?.(publisher.planned);
    }
    // The run may end while this is still at it: what was made of letters is not left half done then.
    if (!signal.aborted && (await publisher.finish())) await plan.afterPublished?.(session.broker);
    log.info?.({ run, generation, planned: publisher.planned }, "all calls are published");
  } finally {
    publisher.close();
  }
  return publisher.planned;
}

const NONE: ReadonlySet<string> = new Set();

async function settledOf(
  { ledger }: Publishing,
  run: string,
  entries: readonly PlanEntry[],
): Promise<ReadonlySet<string>> {
  const ids = entries.map((entry) => ("invalid" in entry ? entry.invalid.id : entry.call.id));
  return ledger === undefined ? NONE : (await ledger.known(run, ids)).settled;
}
