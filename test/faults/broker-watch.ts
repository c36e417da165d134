import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { now } from "./journal.ts";
import type { Journal } from "./journal.ts";
import type { Troupe } from "./troupe.ts";

const LOOK_MS = 100;
/** Who has tried in vain tries again within this. */
const AGAIN_MS = 1_000;

/** Notes when nobody served the broker: in that time no outcome could leave. Ends when the signal aborts. */
export async function watchBroker(
  troupe: Troupe,
  journal: Journal,
  signal: AbortSignal,
): Promise<void> {
  let seenAt = now();
  let stop: { readonly from: number; until: number } | undefined;
  while (!signal.aborted) {
    if (await answers(troupe.endpoint)) {
      seenAt = now();
      if (stop !== undefined) stop.until = seenAt + AGAIN_MS;
      stop = undefined;
    } else if (stop === undefined) {
      stop = { from: seenAt, until: Infinity };
      journal.stops.push(stop);
    }
    await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
  }
}

async function answers(endpoint: string | undefined): Promise<boolean> {
  if (endpoint === undefined) return false;
  const socket = connect(Number(new URL(endpoint).port), "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
