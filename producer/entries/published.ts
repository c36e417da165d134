/** What became of one event. */
export interface Published {
  readonly run: string;
  /**
   * `published` now; or before, by another invocation; or `under way` in another; or somebody's word stands against it,
   * its broken plan's too; or, as the run before has not ended, `skipped`, or `waiting` for the same event to come again.
   */
  readonly state:
    | "published"
    | "published before"
    | "under way"
    | "paused"
    | "stopped"
    | "cancelled"
    | "skipped"
    | "waiting";
  /** Null: not known here. */
  readonly planned: number | null;
}
