/** What is done once a run has ended. At least one of `webhook` and `command` is there. */
export interface OnSettled {
  /** Absolute http: or https: URL that the run's figures are posted to. May hold `${env:NAME}`, resolved when it is sent. */
  readonly webhook?: string;
  /** Sent with the webhook; names in lower case. Values may hold `${env:NAME}`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A program and its arguments, started without a shell; at least the program. */
  readonly command?: readonly string[];
}
