export const FAKE_ACCOUNT_ID = "000000000000";

/** A stack as CloudFormation keeps it. */
export interface FakeStack {
  status: string;
  template: string;
  readonly outputs: Map<string, string>;
  /** Newest first. */
  events: FakeEvent[];
  /** Of resources, by logical id; the others are in sync. */
  readonly drifted: Map<string, FakeDrift>;
}

export interface FakeEvent {
  readonly id: string;
  readonly resource: string;
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
}

interface FakeDrift {
  readonly type: string;
  readonly status: "MODIFIED" | "DELETED";
  readonly physicalId?: string;
  /** Properties as the template has them. */
  readonly expected?: object;
  /** Property paths that differ, such as `/Addresses/0`. */
  readonly paths: readonly string[];
}

/** What becomes of the next change set of a stack, instead of success. */
interface FakeFailure {
  readonly resource: string;
  readonly type: string;
  readonly reason: string;
  /** The stack's in the end. */
  readonly status: string;
}

/** What the parts of a fake account share. */
export interface FakeStacks {
  /** By `region/name`. */
  readonly stacks: Map<string, FakeStack>;
  /** By `region/name`: failures to come. */
  readonly failures: Map<string, FakeFailure>;
  /** Objects by key. */
  readonly objects: Map<string, string>;
  /** Called once a change set is being carried out. */
  onExecute: () => void;
  /** Actions that are refused as IAM does. */
  readonly refused: Set<string>;
  /** Every request: `region Action`, in order. */
  readonly log: string[];
  /** A stack that is there, with what the template says. */
  addStack(
    place: string,
    status: string,
    template?: object,
    outputs?: Record<string, string>,
  ): FakeStack;
}
