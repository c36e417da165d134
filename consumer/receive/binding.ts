import type { Binding } from "../../shared/command.ts";
import type { LaneLimit } from "../../shared/coordination/coordination.ts";
import type { Gate } from "./gate.ts";
import type { LanePump } from "./lane-pump.ts";

/** What keeps more calls of a lane from starting at this moment, `now` in epoch milliseconds. */
export function readBinding(
  { atHand, stop }: Pick<LanePump, "atHand" | "stop">,
  gates: Iterable<Gate>,
  { rate }: LaneLimit,
  now: number,
): Binding {
  const gate = worst(gates);
  const waits = gate !== undefined && gate.parked.size > 0;
  if (gate !== undefined && gate.known.state === "closed" && (waits || atHand === 0)) {
    const { origin, known } = gate;
    const until = Math.max(known.until, now);
    return { by: gate.isBroken ? "breaker" : "closed", origin, until, cause: known.cause };
  }
  if (atHand === 0) return { by: "nothing" };
  if (gate?.window !== undefined && (waits || stop === "destination")) {
    return { by: "window", origin: gate.origin, window: gate.window.limit };
  }
  if (stop === "rate" && rate !== undefined) return { by: "rate", rate };
  if (stop === "credentials") return { by: "credentials" };
  if (stop === "concurrency" || stop === "total") return { by: stop };
  return { by: "nothing" };
}

/** The destination for which most calls wait; closed ones before others. */
function worst(gates: Iterable<Gate>): Gate | undefined {
  let found: Gate | undefined;
  for (const gate of gates) if (found === undefined || weight(gate) > weight(found)) found = gate;
  return found;
}

function weight({ known, parked }: Gate): number {
  return parked.size + (known.state === "closed" ? 1e6 : 0);
}
