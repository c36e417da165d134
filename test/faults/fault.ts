/** Who does a part of a run. A process may have several roles. */
export type Role = "producer" | "worker" | "recorder" | "broker";

/** Where a network fault strikes: on the way to the broker, or to a lane's API. */
export type Way = "broker" | `lane-${string}`;

/** What befalls the processes of a scenario, `atMs` after its beginning. */
export type Fault = { readonly atMs: number } & Strike;

export type Strike =
  /** SIGKILL. Whatever ran there is started again, as a supervisor would; the run is resumed. */
  | { readonly kind: "kill"; readonly role: Role }
  /** SIGKILL to every worker at once; what they held comes back after a second, not after its visibility timeout. */
  | { readonly kind: "wipe" }
  /** SIGSTOP, then SIGCONT. */
  | { readonly kind: "stop"; readonly role: Role; readonly forMs: number }
  /** All open connections are reset. */
  | { readonly kind: "cut"; readonly way: Way }
  /** As above, and each new one too. */
  | { readonly kind: "dark"; readonly way: Way; readonly forMs: number }
  /** What is sent arrives, and its answer does not: the connection is cut instead. */
  | { readonly kind: "mute"; readonly way: Way; readonly forMs: number }
  /** Each piece of data takes so much longer. */
  | { readonly kind: "delay"; readonly way: Way; readonly ms: number; readonly forMs: number }
  /** A share of what is sent is rubbish; then its connection is cut. */
  | { readonly kind: "garble"; readonly way: Way; readonly share: number; readonly forMs: number }
  /** Some messages of a queue are sent to it a second time, as SNS and SQS may. */
  | { readonly kind: "duplicate"; readonly queue: "lane" | "ledger"; readonly count: number }
  /** Messages that wait in the lane queues go to their ends in another order, some of them later. */
  | { readonly kind: "reorder" }
  /** Messages in flight are visible again after a second, though somebody works on them. */
  | { readonly kind: "expose"; readonly count: number }
  /** Whoever records can write no more, as on a full disk. */
  | { readonly kind: "full"; readonly forMs: number }
  /** The machine's clock is set. */
  | { readonly kind: "jump"; readonly byMs: number };

export type FaultKind = Strike["kind"];
