import type { Outcome } from "../../shared/model/outcome.ts";
import type { Attempt } from "../execute/attempt.ts";
import type { Meter } from "../settle/meter.ts";

/** Where CloudWatch lists them. */
const NAMESPACE = "senpu";

/** Values of one metric in one line. Source: CloudWatch user guide, "Embedded metric format specification". */
const MAX_VALUES = 100;

/** Answers that say that the API wants fewer calls. */
const THROTTLES: ReadonlySet<number> = new Set([429, 503]);

/** Whose metrics: dimensions, so that an alarm may watch one lane of one deployment. */
export interface MeasuredBatch {
  readonly deployment: string;
  readonly lane: string;
  readonly messages: number;
  /** Calls put back for later. */
  readonly putBack: number;
}

/**
 * What one batch of a lane came to, as one line in CloudWatch's embedded metric format (ten lines of JSON, so no package).
 * CloudWatch Logs makes metrics of it by itself: no call to AWS, no permission, nothing on the way of a call but counting.
 *
 * In: outcomes and attempts as they come. Out: the line.
 */
export class BatchMetrics implements Meter {
  readonly #failed = new Map<string, number>();
  readonly #latenciesMs: number[] = [];
  #succeeded = 0;
  #attempts = 0;
  #throttles = 0;

  settled({ state, reason, latencyMs }: Outcome): void {
    if (latencyMs !== undefined) this.#latenciesMs.push(latencyMs);
    if (state === "succeeded") this.#succeeded++;
    else {
      const name = `Failed${capitalise(reason ?? "unknown")}`;
      this.#failed.set(name, (this.#failed.get(name) ?? 0) + 1);
    }
  }

  over({ end }: Attempt): void {
    this.#attempts++;
    if (end?.kind === "answer" && THROTTLES.has(end.status)) this.#throttles++;
  }

  /** One JSON value without line breaks. `now`: epoch milliseconds. */
  line({ deployment, lane, messages, putBack }: MeasuredBatch, now: number): string {
    const failed = [...this.#failed.values()].reduce((sum, count) => sum + count, 0);
    const counts: Readonly<Record<string, number>> = {
      Calls: this.#succeeded + failed,
      Succeeded: this.#succeeded,
      Failed: failed,
      Attempts: this.#attempts,
      Throttles: this.#throttles,
      PutBack: putBack,
      ...Object.fromEntries(this.#failed),
    };
    const latencies = sampleOf(this.#latenciesMs);
    const metrics = [
      ...Object.keys(counts).map((Name) => ({ Name, Unit: "Count" })),
      // An empty list is no value.
      ...(latencies.length === 0 ? [] : [{ Name: "Latency", Unit: "Milliseconds" }]),
    ];
    return JSON.stringify({
      _aws: {
        Timestamp: now,
        CloudWatchMetrics: [
          { Namespace: NAMESPACE, Dimensions: [["deployment", "lane"]], Metrics: metrics },
        ],
      },
      deployment,
      lane,
      messages,
      ...counts,
      ...(latencies.length === 0 ? {} : { Latency: latencies }),
    });
  }
}

/**
 * All of them, or of more than a line takes as many that stand at even distances in their order, the least and the
 * greatest included: percentiles are those of all, and only the number of samples is not (`Calls` tells that).
 */
export function sampleOf(values: readonly number[]): number[] {
  if (values.length <= MAX_VALUES) return [...values];
  const sorted = values.toSorted((a, b) => a - b);
  const step = (sorted.length - 1) / (MAX_VALUES - 1);
  return Array.from({ length: MAX_VALUES }, (_, index) => sorted[Math.round(index * step)]!);
}

function capitalise(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
