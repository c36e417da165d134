/** What became of a canary call, wherever it was seen. */
export interface Seen {
  readonly state: "succeeded" | "failed" | "cancelled";
  readonly status: number | null;
  readonly error: string | null;
}

/** Where the outcomes of a run are seen. Every method throws SenpuError. */
export interface OutcomeWatch {
  /** Before the first publish: nothing that happens from now on is missed. */
  begin(run: string): Promise<void>;
  /** What is known by now, by the calls' ids; may wait a few seconds for more. */
  look(): Promise<ReadonlyMap<string, Seen>>;
  /** Leaves nothing behind but what is told of the run for good. */
  end(): Promise<void>;
}
