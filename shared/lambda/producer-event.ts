import { SenpuError } from "../errors.ts";

/** What the producer function is to do: a schedule's input, or a direct invocation. */
export interface ProducerOrder {
  /** A path within the function's package or on this machine, or a plan as the schema describes it. */
  readonly plan: string | Readonly<Record<string, unknown>>;
  /** Names the run in place of the plan's own name. */
  readonly name: string | undefined;
  /** When the schedule fired, ISO 8601: makes the run's id, so that a schedule that fires twice makes one run. */
  readonly time: string | undefined;
}

const TAKES =
  'a schedule\'s input {"plan": "plan.yaml", "name": "nightly", "time": "<aws.scheduler.scheduled-time>"}, or {"plan": {"calls": [ … ]}}';

/** Throws {@link SenpuError} `message`, which says what the function takes and what is wrong with this. */
export function readProducerEvent(event: unknown): ProducerOrder {
  if (typeof event !== "object" || event === null || Array.isArray(event)) {
    throw unsuitable(`it is ${shown(event)}`);
  }
  const { plan, name, time } = event as Record<string, unknown>;
  if (plan === undefined) throw unsuitable(`it has no plan but ${shown(event)}`);
  if (typeof plan === "string" && plan.startsWith("s3://")) {
    throw unsuitable(
      `plan is ${shown(plan)}, and plans in S3 cannot be read yet: give a path, or the plan itself`,
    );
  }
  const isPlan =
    (typeof plan === "string" && plan !== "" && plan !== "-") ||
    (typeof plan === "object" && plan !== null && !Array.isArray(plan));
  if (!isPlan) throw unsuitable(`plan should be a path or a plan, and is ${shown(plan)}`);
  if (name !== undefined && (typeof name !== "string" || name === "")) {
    throw unsuitable(`name should be text, and is ${shown(name)}`);
  }
  if (time !== undefined && !(typeof time === "string" && !Number.isNaN(Date.parse(time)))) {
    throw unsuitable(`time should be ISO 8601, and is ${shown(time)}`);
  }
  return { plan: plan as ProducerOrder["plan"], name, time };
}

function unsuitable(what: string): SenpuError {
  return new SenpuError(
    "message",
    `the event does not suit: ${what}. This function takes ${TAKES}`,
  );
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, 80);
}
