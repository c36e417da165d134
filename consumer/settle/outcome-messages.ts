import type { Outgoing } from "../../shared/broker/broker.ts";
import { encodeOutcomes } from "../../shared/model/encode-outcomes.ts";
import type { Outcome } from "../../shared/model/outcome.ts";
import type { CallTask } from "../receive/chunk.ts";

interface ToTell {
  readonly task: CallTask;
  readonly outcome: Outcome;
}

/** Outcomes as they leave for their topic, those of a run together. */
export function outcomeMessages(
  settled: readonly ToTell[],
  lane: string,
  worker: string,
): Outgoing[] {
  const byRun = Map.groupBy(settled, ({ task }) => task.chunk.message.run);
  return [...byRun].flatMap(([run, entries]) =>
    encodeOutcomes(
      run,
      lane,
      worker,
      entries.map(({ outcome }) => outcome),
    ).map((body) => ({
      body,
      attributes: { kind: "outcomes", run },
    })),
  );
}
